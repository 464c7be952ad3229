"""Reading a bank file: text to positions, positions to models, models to problems and findings."""
