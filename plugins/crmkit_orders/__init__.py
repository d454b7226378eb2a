"""Orders: what customers buy."""
