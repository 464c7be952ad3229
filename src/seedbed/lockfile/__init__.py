"""Lock files: a reviewable summary of a dataset, and a comparison that names the first row that differs."""
