"""Scenarios: which exceptions a bank admits, which are planted, where and when."""
