"""When Python looks for garbage."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_YOUNG = 50_000
"""New objects after which it looks; a bulk of records makes as many, and nearly all of them go
by themselves. Python's 700 cost a twelfth of what writes take."""

_OLDER = (2, 3)
"""Of how many looks one is at what was left over before, and of how many of those at all there is.
Validating a document leaves fifteen hundred objects; ten times as many looks would hold hundreds
of megabytes of them."""


@contextmanager
def without_collecting() -> Iterator[None]:
    """Makes much that stays without the collector's looking through it again and again.

    Modules, plugins and schemas are hundreds of thousands of objects, none of them garbage, and
    searching them takes a fifth of the time of a start.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def settled() -> Iterator[None]:
    """Has the garbage collector leave alone what is loaded by now: it stays anyway.

    Otherwise each of its rounds looks at the whole schema, which is half of what writes take.
    Nothing is collected before: a start makes next to no garbage, and looking for it takes as
    long as building the schema. Where it is settled already, that is another's to end.
    """
    settles = not gc.get_freeze_count()
    before = gc.get_threshold()
    if settles:
        gc.freeze()
        gc.set_threshold(_YOUNG, *_OLDER)
    try:
        yield
    finally:
        if settles:
            gc.set_threshold(*before)
            gc.unfreeze()
