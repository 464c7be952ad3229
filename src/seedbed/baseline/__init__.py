"""The healthy baseline: firings of blocks, sweeps, settlement, rows."""
