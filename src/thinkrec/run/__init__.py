"""A recipe and the run of it: variants, stages, what they are made from, results, saved models."""
