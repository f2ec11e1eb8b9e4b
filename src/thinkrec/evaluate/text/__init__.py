"""Figures about texts: how close a written reason is to a reference, and what it is by itself."""
