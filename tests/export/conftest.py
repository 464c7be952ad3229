"""The loaded databases are those of the check's tests."""

from tests.check.conftest import loaded

__all__ = ["loaded"]
