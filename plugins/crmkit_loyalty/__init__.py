"""Loyalty: points for what customers do."""
