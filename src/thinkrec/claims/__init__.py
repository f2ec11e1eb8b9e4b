"""What a text says of titles and keywords: citations, cues, polarity, attributes, verdict."""
