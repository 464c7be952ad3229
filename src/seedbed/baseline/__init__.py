"""The healthy baseline: blocks of firings, the system stage that they share, settlement, rows."""
