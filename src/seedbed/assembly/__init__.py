"""Assembly: puts blocks, shared totals, plants and settlement together into the parts of a ledger."""
