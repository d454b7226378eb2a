"""Rows in and out: tables, drivers, reach, units of work; no domain word, no GraphQL."""
