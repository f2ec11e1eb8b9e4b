"""The simulated catalogue: users, items, ratings and what was planted in them."""
