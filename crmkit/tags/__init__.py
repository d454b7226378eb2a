"""Tags: words that a company pins to customers, and who has which."""
