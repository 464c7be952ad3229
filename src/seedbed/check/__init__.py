"""Checks that read a loaded database and share no code with the generator."""
