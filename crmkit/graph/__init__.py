"""The front door: one schema from many rooms, and GraphQL over HTTP."""
