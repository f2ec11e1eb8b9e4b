"""What serving many users costs, from the shape of a model and the length of its prompts."""
