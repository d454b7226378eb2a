"""Audit: what everybody did, for those who may know it."""
