"""Tasks: what has to be done next, by whom, until when."""
