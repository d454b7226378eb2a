"""`@mutation`: a function of a service as a field of the schema, and as a call from code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, is_dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from typing_extensions import dataclass_transform

from crmkit.engine.bulk import chunks
from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.host.drafts import Draft, Outcome
from crmkit.values.errors import combined

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from crmkit.host.context import Context

__all__ = [
    "UNSET",
    "BulkMutation",
    "Extended",
    "InputExtension",
    "Mutation",
    "Outcome",
    "Unset",
    "extend_input",
    "extended",
    "mutation",
]

I = TypeVar("I", bound="DataclassInstance")  # noqa: E741
P = TypeVar("P")
T = TypeVar("T")
Function = Callable[..., Awaitable[Any]]


class Declaration(Generic[I, P]):
    """A function that is a mutation; whoever registers it owns it."""

    def __init__(self, function: Function, permission: str | None, bulk: str | None) -> None:
        update_wrapper(cast("Any", self), function)
        self.function = function
        self.permission = permission
        self.bulk = bulk
        self.plugin = ""

    async def answer(
        self, context: Context[Any], drafts: Sequence[Draft[Any, Any]]
    ) -> Sequence[Any]:
        """Runs the function on these drafts, in the unit of the context."""
        raise NotImplementedError

    def _inside(self, context: Context[Any]) -> Context[Any]:
        if not self.plugin:
            raise RuntimeError(f"{self.function.__qualname__} is registered by no plugin.")
        return context.nested(self.plugin)


class Mutation(Declaration[I, P]):
    """A mutation of one record.

    Called from code, it runs in the caller's unit, bound to its own plugin.
    """

    async def __call__(self, context: Context[Any], input: I) -> P:
        inside = self._inside(context)
        done: P = await self.function(inside, input)
        _raise_refusals(inside)
        return done

    async def answer(
        self, context: Context[Any], drafts: Sequence[Draft[Any, Any]]
    ) -> Sequence[Any]:
        return [await self.function(context, each.input) for each in drafts]


class BulkMutation(Declaration[I, P]):
    """A mutation of many records.

    Called from code, it runs in the caller's unit, bound to its own plugin.
    """

    async def __call__(
        self, context: Context[Any], inputs: Sequence[I | Extended[I]]
    ) -> Sequence[P]:
        inside = self._inside(context)
        drafts = [_draft(each, index) for index, each in enumerate(inputs)]
        done: list[P] = []
        for chunk in chunks(drafts):
            done += await self.answer(inside, chunk)
        _raise_refusals(inside)
        return done

    async def answer(
        self, context: Context[Any], drafts: Sequence[Draft[Any, Any]]
    ) -> Sequence[Any]:
        done: Sequence[Any] = await self.function(context, drafts)
        if len(done) != len(drafts):
            raise TypeError(
                f"{self.function.__qualname__} answered {len(done)} of {len(drafts)} drafts; "
                "return a payload for each, in their order."
            )
        return done


@dataclass(frozen=True)
class Extended(Generic[I]):
    """An input from code, and what a client would say in the fields that plugins add to it."""

    input: I
    extensions: tuple[object, ...]


def extended(input: I, *extensions: object) -> Extended[I]:
    """Says more in an input than its own fields: `extended(CreateCustomer(…), ReferralsInput(…))`."""
    return Extended(input, extensions)


def _draft(given: object, index: int) -> Draft[Any, Any]:
    if isinstance(given, Extended):
        return Draft(given.input, index, {type(each): each for each in given.extensions})
    return Draft(given, index)


class InputExtension:
    """What `extend_input` knows of a class; `target` is an input, or `"plugin.Class"`."""

    def __init__(self, cls: type, target: type | str) -> None:
        self.cls = cls
        self.target = target


@overload
def mutation(
    *, permission: str
) -> Callable[[Callable[[Context[Any], I], Awaitable[P]]], Mutation[I, P]]: ...
@overload
def mutation(
    *, permission: str, bulk: str
) -> Callable[
    [Callable[[Context[Any], Sequence[Draft[I, Any]]], Awaitable[Sequence[P]]]], BulkMutation[I, P]
]: ...
def mutation(
    function: Any = None, /, *, permission: str | None = None, bulk: str | None = None
) -> Any:
    """Makes a function of a service a mutation, named by the class of its input.

    Args:
        function: None; the decorator is called with its permission first.
        permission: What the actor must be allowed: `plugin.object.action`.
        bulk: The name of the mutation of many; the function then takes a sequence of
            drafts and returns a payload for each.
    """

    def decorate(function: Function) -> Declaration[Any, Any]:
        kind = Mutation if bulk is None else BulkMutation
        return kind(function, permission, bulk)

    # Without parentheses it has no permission, which the start reports with its plugin.
    return decorate if function is None else decorate(function)


@dataclass_transform(frozen_default=True)
def extend_input(target: type | str) -> Callable[[type[T]], type[T]]:
    """Adds a field named as the plugin to an input of the core or of another plugin.

    Its type is the decorated class; hooks read it with `draft.extension(cls)`. The input
    of a plugin that may be absent is named: `@sdk.extend_input("orders.RecordOrder")`.
    """

    def decorate(cls: type[T]) -> type[T]:
        made = cls if is_dataclass(cls) else dataclass(frozen=True)(cls)
        made.__input_extension__ = InputExtension(made, target)  # type: ignore[attr-defined]
        return made

    return decorate


def _raise_refusals(context: Context[Any]) -> None:
    """Refusals of a call from code are the caller's to answer, not his client's drafts."""
    if not context.refusals:
        return
    problems = [each.problem.below((each.draft.index,)) for each in context.refusals]
    failure = combined(problems)
    failure.reason = context.refusals[0].reason
    failure.plugin = context.refusals[0].plugin
    raise failure
