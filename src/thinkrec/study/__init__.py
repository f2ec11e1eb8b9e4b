"""Studies: a folder of recipes over several seeds, run, tested against one another, and written up."""
