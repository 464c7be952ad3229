"""The loaded databases are those of the check's tests."""

from tests.checks.conftest import loaded

__all__ = ["loaded"]
