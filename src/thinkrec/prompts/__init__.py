"""What the language model reads: prompts, shared prefixes and slot vectors, how they are rendered and stored."""
