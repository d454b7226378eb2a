"""`python -m crmkit` is `crmkit`."""

from crmkit.cli import main

main()
