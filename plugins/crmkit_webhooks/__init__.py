"""Webhooks: other systems are told what happens here."""
