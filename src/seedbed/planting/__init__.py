"""Planting: a scenario becomes rows, stored-balance deltas and the answer key, as patches on a settled baseline."""
