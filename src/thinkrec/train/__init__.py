"""Training: stages, passes, the loss, the mixture of two trained states."""
