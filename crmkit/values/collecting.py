"""When Python looks for garbage."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    if settles:
        gc.freeze()
    try:
        yield
    finally:
        if settles:
            gc.unfreeze()
