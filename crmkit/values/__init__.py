"""Values without neighbours: errors, clock, ids, money, text."""
