"""A company's words are changed, retired and brought back; nobody deletes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from crmkit.host.drafts import Draft, Outcome
from crmkit.values.errors import StaleVersion
from crmkit.vocabulary import errors, repository
from crmkit.vocabulary.repository import Known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crmkit.host.context import Context
    from crmkit.values.errors import Path
    from crmkit.vocabulary.models import Term


__all__ = ["Known", "change", "is_empty", "known", "reinstate", "retire"]


class Naming(Protocol):
    """An input that names a word by its id, and perhaps the version that was seen."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int | None: ...


G = TypeVar("G", bound=Naming)


async def change(
    context: Context[Any],
    model: type[Term],
    drafts: Sequence[Draft[G, Any]],
    news: Callable[[G, Mapping[str, Any]], Mapping[str, Any]],
) -> None:
    """Gives words the values that are news to them, and says whose were none.

    Args:
        context: The unit that changes them.
        model: Their table.
        drafts: Whom is meant; of one word, each sees what the one before it did.
        news: What an input says of the columns, by name; it is shown what they hold.
    """
    rows = await repository.locked(context, model, {each.input.id for each in drafts})
    for each in drafts:
        row = rows[each.input.id]
        if each.input.version not in (None, row["version"]):
            context.reject(each, StaleVersion(row["version"]))
            continue
        said = {name: value for name, value in news(each.input, row).items() if row[name] != value}
        each.outcome = Outcome.UPDATED if said else Outcome.UNCHANGED
        if said:
            row |= {**said, "version": row["version"] + 1}
            values = {getattr(model, name): value for name, value in said.items()}
            context.write.change(model, row["id"], set=values)


async def retire(context: Context[Any], model: type[Term], drafts: Sequence[Draft[G, Any]]) -> None:
    """Offers words no longer; those that are retired already stay so since then."""
    now = context.clock.now()
    await change(context, model, drafts, lambda _, row: {"retired_at": row["retired_at"] or now})


async def reinstate(
    context: Context[Any], model: type[Term], drafts: Sequence[Draft[G, Any]]
) -> None:
    """Offers words again."""
    await change(context, model, drafts, lambda *_: {"retired_at": None})


async def is_empty(context: Context[Any], model: type[Term]) -> bool:
    """Says whether there is none yet."""
    return await repository.is_empty(context, model)


async def known(
    context: Context[Any],
    model: type[Term],
    named: Sequence[tuple[Draft[Any, Any], Path, str]],
) -> Mapping[str, Known]:
    """Looks up the keys that drafts name in these fields, retired ones too.

    Who names one that does not exist is rejected. Whether a retired one will do is for the
    caller to say: what has it already keeps it.
    """
    found = await repository.by_key(context, model, {key for _, _, key in named})
    for draft, field, key in named:
        if key not in found:
            context.reject(draft, errors.UnknownKey(model.__tablename__, key, field))
    return found
