"""What a run learned, in folders that other programs open: PEFT, sentence-transformers, vLLM, Transformers."""
