"""What services of many records share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from crmkit.customers import models, repository
from crmkit.host.drafts import Draft
from crmkit.values.errors import NotFound, StaleVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence

    from crmkit.host.context import Context

D = TypeVar("D", bound=Draft[Any, Any])


def rounds(drafts: Sequence[D], keys: Callable[[D], Collection[Hashable]]) -> Iterator[Sequence[D]]:
    """Puts drafts that share a key one after the other, so that each sees what went before."""
    waiting = list(drafts)
    while waiting:
        seen: set[Hashable] = set()
        now: list[D] = []
        later: list[D] = []
        for each in waiting:
            own = keys(each)
            # Whoever waits holds back those who come after him, too.
            (now if seen.isdisjoint(own) else later).append(each)
            seen.update(own)
        yield now
        waiting = later


async def locked(
    context: Context[Any], drafts: Sequence[Draft[Any, Any]]
) -> Mapping[str, models.Customer]:
    """Reads the customers that drafts name; whoever is gone or has changed is rejected."""
    known = await repository.customers(context, {each.input.id for each in drafts})
    for each in drafts:
        row = known.get(each.input.id)
        if row is None or row.deleted_at is not None:
            context.reject(each, NotFound("There is no such customer.", field="id"))
        elif each.input.version not in (None, row.version):
            context.reject(each, StaleVersion(row.version))
    return {id_: row for id_, row in known.items() if row.deleted_at is None}
