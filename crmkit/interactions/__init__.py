"""Interactions: what was said and done, never changed afterwards."""
