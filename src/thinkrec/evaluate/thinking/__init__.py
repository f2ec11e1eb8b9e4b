"""What thinking before the verdict does to ranking: quality beside tokens and time."""
