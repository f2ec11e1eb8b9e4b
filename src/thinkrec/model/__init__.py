"""A backbone, the adapters in its layers and the projector of slot vectors; it knows no engine."""
