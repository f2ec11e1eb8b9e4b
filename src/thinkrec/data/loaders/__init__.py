"""Data sets as their publishers give them."""
