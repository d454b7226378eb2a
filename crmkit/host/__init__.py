"""What plugins plug into: found, ordered, checked, called, each under its own name."""
