"""Readers of claims: what a text says of titles and keywords (citations, cues, polarity, attributes, verdict)."""
