"""The page of `thinkrec serve`: a person, their history, the ranking, the reason, and what a change would do."""
