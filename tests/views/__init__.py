"""Tests of the views: hand-written feeds and both bundled banks, on three engines."""
