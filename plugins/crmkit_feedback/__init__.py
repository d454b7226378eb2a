"""Feedback: tickets of customers, from their first word to how they liked the answer."""
