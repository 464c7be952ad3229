"""Planting: turns a scenario into transfers, deltas of stored balances and answer-key lines on a settled baseline."""
