"""Stages: the ladder a customer climbs, as data."""
