"""Events: what has happened, whom it was told, and how it is told again."""
