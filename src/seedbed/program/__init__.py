"""The program: what a bank's rails, templates, chains and accounts come to, before any row exists."""
