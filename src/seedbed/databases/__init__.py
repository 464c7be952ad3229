"""Databases: what a URL names, how each engine is connected to, and loads that end whole or not at all.

`loading.py` has the steps that all engines share, one module per engine what it does its own way.
"""
