"""Customers: who we deal with, how they are related and where on the ladder they stand."""
