"""Keywords of items from their texts: two extractors behind one interface, cleaned and cached."""
