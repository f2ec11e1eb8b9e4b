"""Whether a reason can be trusted: what it cites, claims, names and decides, against the row it is about."""
