"""The statements of a company's own words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from crmkit.store.database import table_of
from crmkit.store.ready import statement

if TYPE_CHECKING:
    from collections.abc import Collection, Set
    from datetime import datetime

    from crmkit.host.context import Context
    from crmkit.store.premises import Remembered
    from crmkit.vocabulary.models import Term


_FEW = 8  # words that a unit takes for granted; more are looked up


@dataclass(frozen=True)
class Known:
    """What rules need to know of a word."""

    id: str
    key: str
    is_retired: bool

    @cached_property
    def offered(self) -> Remembered:
        """Its row, as long as it is not retired."""
        return ("id", self.id), ("key", self.key), ("retired_at", None)


async def by_key(context: Context[Any], model: type[Term], keys: Set[str]) -> dict[str, Known]:
    """Finds words by their keys, retired ones too.

    In a unit, those that are offered are remembered: the unit finds out whether they still are.
    """
    if not keys:
        return {}
    remembered = context.host.remembered.setdefault(model, {})
    few = len(keys) <= _FEW and keys <= remembered.keys()
    if few and context.in_unit and context.unit.may_trust(model):
        trusted = {key: remembered[key] for key in sorted(keys)}
        context.unit.trust(model, tuple([each.offered for each in trusted.values()]))
        return trusted
    named = await context.rules(_named(model, keys))
    found = {key: Known(id_, key, bool(at)) for id_, key, at in named}
    for key in keys:
        remembered.pop(key, None)
    remembered.update({key: each for key, each in found.items() if not each.is_retired})
    return found


async def locked(
    context: Context[Any], model: type[Term], ids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Reads words in order to change them: the values of each by column."""
    rows = await context.rules(_locked(model, ids))
    names = [each.name for each in table_of(model).columns]
    found = [dict(zip(names, each, strict=True)) for each in rows]
    return {each["id"]: each for each in found}


async def is_empty(context: Context[Any], model: type[Term]) -> bool:
    """Says whether there is none yet."""
    return not await context.rules(select(model.id).limit(1))


@statement
def _named(model: type[Term], keys: Collection[str]) -> Select[str, str, datetime | None]:
    return select(model.id, model.key, model.retired_at).where(model.key.in_(keys))


@statement
def _locked(model: type[Term], ids: Collection[str]) -> Select[*tuple[Any, ...]]:
    wanted = select(*table_of(model).columns).where(model.id.in_(ids))
    return wanted.order_by(model.id).with_for_update()
