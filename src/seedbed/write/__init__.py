"""Writers: one row of a table per output, all fed with the same parts."""
