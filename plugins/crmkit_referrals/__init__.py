"""Referrals: customers who bring customers, and what both get for it."""
