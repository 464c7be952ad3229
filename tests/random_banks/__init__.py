"""Random banks of every shape that the grammar admits, and the promise asked of each of them.

A bank is a pure function of its number. `generator.py` makes it, `promise.py` takes it through
validate → plan → apply → check, `shrinking.py` makes one that fails small, `pool.py` keeps every bank within a bound
of time and memory, and `shapes.py` says which shapes a bank has. The command is

    python -m tests.random_banks --count 60 --first 0
"""
