"""Counted features of users and items: target encodings, neighbourhood residuals, statistics of the past."""
