"""The dashboard: sheets with figures, charts and tables of a loaded ledger, as a web page and as one static file."""
