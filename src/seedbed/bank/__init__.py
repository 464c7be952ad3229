"""Reads a bank file: from text to a tree with positions, to models, to problems and findings."""
