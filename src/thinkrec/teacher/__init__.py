"""Teachers: an OpenAI-compatible endpoint, a local causal language model, or rules, behind one interface."""
