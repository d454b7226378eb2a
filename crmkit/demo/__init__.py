"""The demo company: invented people, a year of their lives, and the stories in it."""
