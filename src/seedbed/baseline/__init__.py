"""The healthy baseline: blocks of firings, the sweeps that they share, settlement, rows."""
