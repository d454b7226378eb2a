"""Mutations as fields of one schema: their types, made of what authors declared."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.field import StrawberryField

from crmkit.engine.mutation_calls import Applied, Calls
from crmkit.engine.mutation_inputs import Types, described, graphql_name, made_field
from crmkit.engine.mutation_results import OnError, Rejection
from crmkit.engine.mutations import BulkMutation, Declaration, InputExtension
from crmkit.host.drafts import Draft, Outcome
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from crmkit.host.actors import Actor
    from crmkit.host.host import Host

_PERMISSION = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*){2}")

Run = Callable[["Host", "Actor", "str | None", Mapping[str, Any]], Awaitable[Applied]]
Parts = Sequence[tuple[str, Any]]


@dataclass(frozen=True, eq=False)
class MutationField:
    """One field of the type Mutation.

    `run(host, actor, request_id, input)` takes graphql-core's coerced input and returns
    what was done; the attributes of its payload have the Python names of the fields of
    `payload`. Its failures say where in the input they are.
    """

    name: str
    plugin: str
    permission: str
    field: StrawberryField
    payload: type
    run: Run


def mutation_fields(parts: Parts, nodes: Mapping[str, type]) -> list[MutationField]:
    """Makes the fields of all mutations among what plugins registered.

    Raises:
        SetupError: A declaration lacks something, or two of them clash.
    """
    types = Types(nodes)
    registered = [(owner, each) for owner, each in parts if isinstance(each, Declaration)]
    declared = [_Declared.of(owner, each, types) for owner, each in registered]
    for owner, part in parts:
        extension = vars(part).get("__input_extension__")
        if isinstance(extension, InputExtension):
            _extend(declared, owner, extension)
    return [made for each in declared for made in each.fields(types)]


def own_mutations(parts: Parts) -> None:
    """Tells mutations whose they are, without which no code can call them.

    Raises:
        SetupError: Two plugins register the same one.
    """
    for owner, each in parts:
        if not isinstance(each, Declaration):
            continue
        if each.plugin not in ("", owner):
            raise SetupError(
                f"{_said(owner, each)} is registered by the plugin {each.plugin}, too; let one do it."
            )
        each.plugin = owner


@dataclass(eq=False)
class _Declared:
    """What a mutation says of itself: its function, and the classes it takes and gives."""

    owner: str
    mutation: Declaration[Any, Any]
    input: type
    payload: type
    extensions: dict[str, type]

    @classmethod
    def of(cls, owner: str, mutation: Declaration[Any, Any], types: Types) -> _Declared:
        who = _said(owner, mutation)
        _check(who, owner, mutation)
        return cls(owner, mutation, *_signature(who, mutation, types), {})

    def fields(self, types: Types) -> Iterator[MutationField]:
        single = self.input.__name__
        name = single[0].lower() + single[1:]
        added = {graphql_name(owner): types.input(part) for owner, part in self.extensions.items()}
        extra = [
            made_field(
                owner,
                graphql_name(owner),
                StrawberryOptional(shape.kind),
                described(shape.cls),
                strawberry.UNSET,
            )
            for owner, shape in zip(self.extensions, added.values(), strict=True)
        ]
        reads = types.input(self.input, f"{single}Input", [*extra, _key_field()])
        payload = types.payload(self.payload, f"{single}Payload")
        calls = Calls(self.owner, name, self.mutation, reads, payload, added)
        yield self._field(name, reads.kind, payload.kind, calls.one)
        if (bulk := self.mutation.bulk) is not None:
            many = bulk[0].upper() + bulk[1:]
            item = types.input(self.input, f"{single}Item", extra)
            taken = types.framed(f"{many}Input", self.input, _bulk_input(item.kind), out=False)
            result = types.result(payload, f"{many}Result", _standing())
            given = types.framed(f"{many}Payload", self.payload, [_results(result)], out=True)
            yield self._field(bulk, taken, given, calls.many)

    def _field(self, name: str, taken: Any, payload: Any, run: Run) -> MutationField:
        made = StrawberryField(
            python_name=name,
            graphql_name=name,
            type_annotation=StrawberryAnnotation(StrawberryOptional(payload)),
            description=described(self.mutation.function),
        )
        annotation = StrawberryAnnotation(taken)
        made.arguments = [
            StrawberryArgument("input", "input", annotation, description=described(self.input))
        ]
        permission = self.mutation.permission or ""
        return MutationField(name, self.owner, permission, made, payload, run)


def _said(owner: str, mutation: Declaration[Any, Any]) -> str:
    return f"The mutation {_named(mutation)} of the plugin {owner}"


# -- what a declaration must have -------------------------------------------------------------


def _check(who: str, owner: str, mutation: Declaration[Any, Any]) -> None:
    if not mutation.permission:
        raise SetupError(
            f"{who} declares no permission; write "
            f'@sdk.mutation(permission="{owner}.<object>.<action>").'
        )
    if not _PERMISSION.fullmatch(mutation.permission):
        raise SetupError(
            f"{who} takes the permission {mutation.permission!r}; name it <plugin>.<object>.<action>."
        )
    if not inspect.iscoroutinefunction(mutation.function):
        raise SetupError(f"{who} is not async; write async def.")


def _signature(who: str, mutation: Declaration[Any, Any], types: Types) -> tuple[type, type]:
    """The class of its input and of its payload."""
    function = mutation.function
    names = list(inspect.signature(function).parameters)
    wanted = {each: function.__annotations__.get(each) for each in (*names[1:2], "return")}
    if len(names) != 2 or None in wanted.values():
        raise SetupError(
            f"{who} takes a context and its input, and says what it returns; annotate both."
        )
    hints = types.evaluated(wanted, function.__module__, who)
    taken, given = hints[names[1]], hints["return"]
    if isinstance(mutation, BulkMutation):
        drafts, given = get_args(taken), get_args(given)
        if len(drafts) != 1 or get_origin(drafts[0]) is not Draft or len(given) != 1:
            raise SetupError(
                f"{who} is a bulk mutation; it takes Sequence[sdk.Draft[Input, Model]] and returns "
                "Sequence[Payload]."
            )
        taken, given = get_args(drafts[0])[0], given[0]
    if not (is_dataclass(taken) and is_dataclass(given)):
        raise SetupError(f"{who} takes {taken} and returns {given}; both must be dataclasses.")
    return taken, given  # type: ignore[return-value]


def _extend(declared: Sequence[_Declared], owner: str, extension: InputExtension) -> None:
    """Adds a plugin's field to the input it extends; to one that is absent, nothing."""
    who = f"{_named(extension.cls)} of the plugin {owner}"
    target = _target(who, declared, extension.target)
    if target is None:
        return
    if not isinstance(target.mutation, BulkMutation):
        raise SetupError(
            f"{who} extends {target.input.__name__}, whose mutation has no drafts to carry it; "
            "extend the input of a bulk mutation."
        )
    taken = {each.lower() for each in vars(target.input).get("__annotations__", {})}
    if owner in taken or owner in target.extensions:
        raise SetupError(
            f"{who} adds {target.input.__name__}.{owner}, which is there already; remove one."
        )
    target.extensions[owner] = extension.cls


def _target(who: str, declared: Sequence[_Declared], target: type | str) -> _Declared | None:
    if isinstance(target, type):
        found = next((each for each in declared if each.input is target), None)
        if found is None:
            raise SetupError(
                f"{who} extends {_named(target)}, which is no input of a mutation here; "
                'if its plugin may be absent, name it: "plugin.Class".'
            )
        return found
    plugin, _, name = target.rpartition(".")
    offered = {each.input.__name__: each for each in declared if each.owner == plugin}
    if offered and name not in offered:
        near = difflib.get_close_matches(name, offered, 1) or list(offered)
        raise SetupError(
            f"{who} extends {target}, which is no input; did you mean {plugin}.{near[0]}?"
        )
    return offered.get(name)


# -- what every mutation has --------------------------------------------------------------------


def _key_field() -> StrawberryField:
    doc = "Makes a repeated call safe: the same key and input have one effect and one result."
    return made_field(
        "idempotency_key", "idempotencyKey", StrawberryOptional(str), doc, strawberry.UNSET
    )


def _bulk_input(item: Any) -> list[StrawberryField]:
    others = "What happens to the others when a record is refused."
    return [
        made_field("items", "items", StrawberryList(item), "What is asked for, record by record."),
        made_field("on_error", "onError", OnError, others, OnError.ABORT),
        _key_field(),
    ]


def _standing() -> list[StrawberryField]:
    error = StrawberryOptional(Rejection)
    return [
        made_field("index", "index", int, "The place of its item in the input, from 0."),
        made_field("outcome", "outcome", Outcome, "What became of the record."),
        made_field("error", "error", error, "Why it was rejected, if it was."),
    ]


def _results(result: Any) -> StrawberryField:
    doc = "What became of each item, in their order."
    return made_field("results", "results", StrawberryList(result), doc)


def _named(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"
