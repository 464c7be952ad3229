"""The independent judge of the baseline: what healthy means, read off the design pages alone."""
