"""Hypothesis for all tests: the same examples in every run, no time limits, nothing left behind on disk."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "everyday", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("everyday")
