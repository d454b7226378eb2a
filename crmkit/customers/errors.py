"""What can go wrong with customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.values.errors import Ambiguous, Conflict, Invalid, NotFound, Refused, nearest

if TYPE_CHECKING:
    from collections.abc import Collection

    from crmkit.values.errors import Path


class ExternalIdTaken(Conflict):
    """Two customers cannot be one in another system."""

    reason = "core.external_id_taken"

    def __init__(self, source: str, external_id: str, field: str | Path) -> None:
        super().__init__(
            f"Another customer is called {external_id!r} by {source!r} already.",
            field=field,
            params={"source": source, "externalId": external_id},
        )


class Suppressed(Refused):
    """Who was erased is not brought back by those who do not know it."""

    reason = "core.suppressed"

    def __init__(self, field: str) -> None:
        super().__init__(
            "Whoever is reached like this was erased, and is not to be entered again.", field=field
        )


class MoveNotAllowed(Refused):
    """The ladder has no step from here to there."""

    reason = "core.move_not_allowed"

    def __init__(self, start: str, end: str, allowed: Collection[str]) -> None:
        super().__init__(
            f"From {start} no step leads to {end}.",
            field="stageId",
            params={"from": start, "to": end, "allowed": sorted(allowed)},
        )


class SameCustomer(Refused):
    """Nobody is merged with themselves, nor twice."""

    reason = "core.same_customer"

    def __init__(self, index: int) -> None:
        super().__init__(
            "This is the winner already; nobody is merged with themselves.",
            field=("loserIds", index),
        )


class KindsDiffer(Refused):
    """A person and an organisation are never one."""

    reason = "core.kinds_differ"

    def __init__(self, index: int) -> None:
        super().__init__(
            "A person and an organisation cannot be merged.", field=("loserIds", index)
        )


class StillInUse(Refused):
    """A plugin that takes no part here cannot say what becomes of its rows."""

    reason = "core.rows_of_absent_plugin"

    def __init__(self) -> None:
        super().__init__(
            "Rows of a plugin that is not enabled belong to this customer; enable it, or purge it.",
            field="loserIds",
        )


class NotDeleted(NotFound):
    """Who is not deleted cannot come back."""

    def __init__(self) -> None:
        super().__init__("There is no deleted customer with this id.", field="id")


class NoCustomerId(Invalid):
    """An id of something else, or of nothing."""

    def __init__(self, given: str) -> None:
        super().__init__(
            "This is not the id of a customer.",
            field="id",
            params={"given": given, "expected": "customer"},
        )


class SeveralMatch(Ambiguous):
    """Several customers could be meant."""

    reason = "core.several_customers_match"

    def __init__(self, ids: Collection[str], field: str) -> None:
        super().__init__(
            f"{len(ids)} customers match; say more exactly who is meant.",
            field=field,
            params={"ids": sorted(ids)},
        )


class NameNeeded(Invalid):
    """Nobody is known yet who could lend a name."""

    def __init__(self) -> None:
        super().__init__("This customer is new and needs a name.", field="name")


class FieldNeeded(Invalid):
    """The organisation wants to know this of every new customer."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Every new customer needs {name}.", field=("fields", name))


class UnknownField(Invalid):
    """The organisation has defined no field of this key."""

    def __init__(self, key: str, known: Collection[str]) -> None:
        super().__init__(
            f"Customers have no field {key!r} of the organisation's own{nearest(key, known)}; "
            f"define it under [fields.customer.{key}] in crmkit.toml.",
            field=("fields", key),
        )


class WrongKindOfValue(Invalid):
    """A field holds values of one kind."""

    def __init__(self, key: str, wanted: str) -> None:
        super().__init__(f"The field {key} of customers holds {wanted}.", field=("fields", key))


class WrongWayRound(Invalid):
    """A person belongs to an organisation, not the other way round."""

    def __init__(self) -> None:
        super().__init__(
            "Of a person and an organisation, the person stands first.", field="fromId"
        )


class EndsBeforeItBegan(Invalid):
    """A relation would be over before its first day."""

    def __init__(self) -> None:
        super().__init__("It cannot end before it began.", field="until")
