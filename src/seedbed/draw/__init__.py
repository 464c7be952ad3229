"""Addressed random values: every value is a function of a key and a counter, in integer arithmetic."""
