"""What a loaded ledger looks like: sheets of figures, drawings and tables, as a web page and as one static file."""
