"""The universal ledger (L1): column contract, dataset, content digest."""
