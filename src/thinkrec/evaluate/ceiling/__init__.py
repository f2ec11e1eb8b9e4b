"""What bounds ranking on a split: what earlier labels give away, rater noise, explained deviance, few rows a user."""
