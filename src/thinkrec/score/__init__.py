"""A trained recommender that answers: predictions, rankings, reasons and who writes them."""
