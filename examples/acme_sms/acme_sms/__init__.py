"""Text messages: what customers are told on their phones."""
