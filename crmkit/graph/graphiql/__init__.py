"""GraphiQL in the browser: its page, its four files of npm, and how they are fetched."""
