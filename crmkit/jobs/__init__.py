"""Jobs: what is done later or again and again, for whoever looks after it."""
