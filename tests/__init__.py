"""Tests of Seedbed; a package, so that tests can share the strategies and the judge."""
