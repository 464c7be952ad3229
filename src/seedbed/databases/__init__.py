"""Databases: connections to every engine, and loads that end completely or not at all.

`loading.py` has the steps that all engines share. One module per engine has the steps that differ.
"""
