"""Addressed randomness: every value is a function of a key and a counter, in integers only."""
