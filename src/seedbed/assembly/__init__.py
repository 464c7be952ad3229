"""Generation: blocks, what they share, plants and settlement, put together into the parts of a ledger."""
