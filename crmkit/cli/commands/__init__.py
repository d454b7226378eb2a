"""What is typed: groups of commands, their arguments, and what the help says of them.

A command imports what it does only when it is run.
"""
