"""The program: the compiled rails, templates, chains and accounts of a bank."""
