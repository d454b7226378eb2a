"""What is known of a person: handed over, or forgotten."""
