"""Seedbed: the ledger of a bank that does not exist."""
