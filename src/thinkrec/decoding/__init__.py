"""Constrained decoding: which tokens a reason may go on with, and when it has to be taken back."""
