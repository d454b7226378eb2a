"""Inputs of mutations, made of their types; each is about records that nobody else is told of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_object_type,
    is_required_input_field,
)

from crmkit.testing import Trial

Given = dict[str, Any]
Said = Mapping[str, Callable[["Inputs"], Awaitable[Any]]]
"""Values for fields of this name, or for `mutation.field`, which is said even if it need not be."""

# Texts that cannot be just any; `{}` stands for a number that no other text has.
_TEXTS = {
    "channel": "email",
    "country": "DE",
    "email": "friend{}@example.com",
    "key": "key_{}",
    "kind": "kind_{}",
    "locale": "en",
    "mail": "user{}@example.com",
    "new": "new password {}",
    "password": "correct password {}",
    "role": "role_{}",
    "scope": "all",
    "series": "series_{}",
    "url": "https://hooks.example.com/{}",
}
_SCALARS = {
    "BigInt": "3",
    "Boolean": True,
    "CurrencyCode": "EUR",
    "Date": "2027-01-01",
    "DateTime": "2027-01-01T09:00:00Z",
    "Decimal": "5.00",
}
# Of which kind the record is whose id has a name of its own.
_KINDS = {"assignee": "User", "cause": "Interaction", "loser": "Customer", "winner": "Customer"}
# How mutations begin that make a record of others.
_MAKING = ("create", "record", "open", "relate", "register", "solve")


class Inputs:
    """Makes inputs with which mutations succeed; the records they need, other mutations make.

    Args:
        t: The app whose schema says what is demanded.
        before: What has to have happened to the same records, by the mutation it is for.
        said: Values that no type tells.
    """

    def __init__(self, t: Trial, before: Mapping[str, Sequence[str]], said: Said) -> None:
        self.t, self.before, self.said = t, before, said
        assert t.crm.schema.core.mutation_type is not None
        self.mutations = t.crm.schema.core.mutation_type.fields
        self._numbers = count(1)
        kinds = {each.name for each in t.crm.schema.registry.nodes.values()}
        self._kinds = sorted(kinds, key=len, reverse=True)
        self._makers = self._all_makers()

    async def of(self, mutation: str) -> Given:
        """What the schema demands, after what has to have happened has."""
        taken = self._taken(mutation)
        if "items" not in taken.fields:
            return await self._single(mutation, taken, {})
        item = get_named_type(taken.fields["items"].type)
        single = item.name.removesuffix("Item")
        return {"items": [await self._single(single[0].lower() + single[1:], item, {})]}

    async def made(self, kind: str) -> str:
        """The id of a new record of this kind."""
        mutation, name = self._makers[kind]
        return str((await self.ask(mutation))[name]["id"])

    async def ask(self, mutation: str, **given: Any) -> dict[str, Any]:
        """The payload of a mutation, told at least what it demands."""
        asked = await self._single(mutation, self._taken(mutation), given)
        return dict((await self.t.gql(self.document(mutation), input=asked))[mutation])

    def document(self, mutation: str) -> str:
        """The mutation, asked for all of its payload."""
        taken, field = self._taken(mutation), self.mutations[mutation]
        asked = [
            f"{name} {{ id }}" if is_object_type(get_named_type(each.type)) else name
            for name, each in get_named_type(field.type).fields.items()
        ]
        payload = "__typename" if "items" in taken.fields else " ".join(asked)
        return f"mutation ($input: {taken.name}!) {{ {mutation}(input: $input) {{ {payload} }} }}"

    def text(self, name: str) -> str:
        """A text for a field of this name, which no other field has."""
        return _TEXTS.get(name, f"{name} {{}}").format(next(self._numbers))

    async def _single(self, mutation: str, taken: GraphQLInputObjectType, given: Given) -> Given:
        asked = dict(given)
        for name in taken.fields:
            if name not in asked and (own := self.said.get(f"{mutation}.{name}")):
                asked[name] = await own(self)
        for name in _wanted(taken):
            if name not in asked:
                asked[name] = await self._value(mutation, name, taken.fields[name].type)
        for earlier in self.before.get(mutation, ()):
            shared = asked.keys() & self._taken(earlier).fields.keys()
            await self.ask(earlier, **{name: asked[name] for name in shared - {"reason", "note"}})
        return asked

    async def _value(self, mutation: str, name: str, kind: Any) -> Any:
        if name in self.said:
            return await self.said[name](self)
        if is_list_type(get_nullable_type(kind)):
            return [await self._value(mutation, name.removesuffix("s"), get_named_type(kind))]
        named = get_named_type(kind)
        if isinstance(named, GraphQLInputObjectType):
            return await self._single("", named, {})
        if isinstance(named, GraphQLEnumType):
            return next(iter(named.values))
        if named.name == "ID":
            return await self.made(self._kind(mutation, name))
        if named.name == "Int":
            return next(self._numbers)
        return _SCALARS.get(named.name) or self.text(name)

    def _kind(self, mutation: str, name: str) -> str:
        """Whose id it is: the field says it, or the name of the mutation."""
        own = name.removesuffix("Id")
        titled = _KINDS.get(own, own[0].upper() + own[1:])
        if titled in self._kinds:
            return titled
        return next(each for each in self._kinds if each in mutation)

    def _taken(self, mutation: str) -> GraphQLInputObjectType:
        taken = get_named_type(self.mutations[mutation].args["input"].type)
        assert isinstance(taken, GraphQLInputObjectType)
        return taken

    def _all_makers(self) -> dict[str, tuple[str, str]]:
        """For each kind the mutation that makes a record of nothing of its kind, and where it is."""
        found: dict[str, tuple[str, str]] = {}
        for mutation, field in self.mutations.items():
            for name, each in get_named_type(field.type).fields.items():
                kind = get_named_type(each.type).name
                if kind in self._kinds and mutation.startswith(_MAKING):
                    found.setdefault(kind, (mutation, name))
        return found


def _wanted(taken: GraphQLInputObjectType) -> list[str]:
    """What is required; beside nothing but ids, the first thing that may be said as well."""
    required = [name for name, each in taken.fields.items() if is_required_input_field(each)]
    is_said = any(get_named_type(taken.fields[each].type).name != "ID" for each in required)
    rest = [each for each in taken.fields if each not in (*required, "version", "idempotencyKey")]
    return required if is_said else [*required, *rest[:1]]
