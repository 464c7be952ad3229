"""Lock files: what a dataset came to, as text that people review, and the first row that differs from it later."""
