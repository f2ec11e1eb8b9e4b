"""Input data: tables read and checked, `Dataset`, splits, titles and keywords."""
