"""Candidate generators: the few hundred items of a catalogue that a ranker is asked about."""
