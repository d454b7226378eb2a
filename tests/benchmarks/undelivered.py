"""`crmkit serve` with a relay that rests: what a mutation costs without what follows from it.

    python -m tests.benchmarks.undelivered

Handlers run in the same process after the commit; on a busy core they and the next mutations
wait for one another, and what a request costs would depend on how many events are behind.
"""

from __future__ import annotations

import sys

from crmkit.cli import main
from crmkit.store.relay import Relay


async def _rest(relay: Relay) -> None: ...


if __name__ == "__main__":
    Relay.start = _rest  # type: ignore[method-assign]
    sys.argv = ["crmkit", "serve", "--port", "0"]
    main()
