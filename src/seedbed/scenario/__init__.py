"""Scenarios: choose the exceptions that are planted, with their accounts and days."""
