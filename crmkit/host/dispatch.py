"""Calls hooks in the order of loading: awaits them, times them, names the culprit."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import pluggy

from crmkit.store.tally import tell
from crmkit.values.allowance import Allowance
from crmkit.values.errors import Failure, Timeout

if TYPE_CHECKING:
    from crmkit.host.context import Context

F = TypeVar("F", bound=Callable[..., Any])

PROJECT = "crmkit"
OFFERED = f"{PROJECT}_spec"  # where pluggy's markers leave their marks
IMPLEMENTED = f"{PROJECT}_impl"

_spec = pluggy.HookspecMarker(PROJECT)
_impl = pluggy.HookimplMarker(PROJECT)


def hookspec(function: F) -> F:
    """Offers a hook: plugins may implement a function of this name."""
    return _spec(function)


@overload
def hook(function: F, /) -> F: ...
@overload
def hook(*, of: str | None = None) -> Callable[[F], F]: ...
def hook(function: Any = None, /, *, of: str | None = None) -> Any:
    """Implements a hook; with `of`, one of a plugin that may be absent."""

    def decorate(given: Any) -> Any:
        given.__hook_of__ = of
        return _impl(given)

    return decorate if function is None else decorate(function)


@dataclass(frozen=True)
class Spec:
    """A hook that a plugin offers."""

    name: str
    plugin: str
    function: Callable[..., Any]


class _Implementations:
    """What pluggy registers: one attribute for each hook, and nothing else to look through."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.__dict__.update(functions)

    def __dir__(self) -> list[str]:
        return list(self.__dict__)


class Hooks:
    """The hooks of one app and their implementations; each app has its own."""

    def __init__(self, *, slow: float = 0.1, limit: float = 2.0) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.specs: dict[str, Spec] = {}
        self.plugins: list[str] = []
        self.slow = slow
        self.limit = limit
        self._implemented: set[str] = set()

    def offer(self, spec: Spec) -> None:
        """Lets plugins implement a hook."""
        offered = ModuleType(spec.name)
        setattr(offered, spec.name, spec.function)
        self.manager.add_hookspecs(offered)
        self.specs[spec.name] = spec

    def implement(self, plugin: str, functions: Mapping[str, Callable[..., Any]]) -> None:
        """Calls these functions of a plugin after those of all earlier ones."""
        self.manager.register(_Implementations(functions), name=plugin)
        self.plugins.append(plugin)
        self._implemented |= functions.keys()

    def are_implemented(self, name: str) -> bool:
        """Whether any plugin implements a hook of this name."""
        return name in self._implemented

    def implemented_by(self, plugin: str) -> list[str]:
        """The names of the hooks that a plugin implements."""
        found = self.manager.get_hookcallers(self.manager.get_plugin(plugin)) or []
        return sorted(each.name for each in found)

    async def call(self, context: Context[Any], name: str, arguments: Mapping[str, Any]) -> None:
        """Calls every implementation of a hook, each with a context of its own plugin.

        Raises:
            Timeout: One of them took longer than the limit.
        """
        # The list is in the order of registering; only pluggy's own calls go through it backwards.
        for each in getattr(self.manager.hook, name).get_hookimpls():
            bound = context.bound(each.plugin_name)
            began = time.perf_counter()
            seconds = await self._run(each, name, {"context": bound, **arguments})
            tell(each.plugin_name, name, began)
            if seconds > self.slow:
                bound.log.warning("slow hook", hook=name, milliseconds=round(seconds * 1000))
            if seconds > self.limit:
                raise self._timeout(each.plugin_name, name)

    async def _run(self, each: pluggy.HookImpl, name: str, given: Mapping[str, Any]) -> float:
        """Runs it and says how many seconds it took of its own."""
        allowed = Allowance(self.limit)
        try:
            async with _counted(allowed, given["context"]):
                result = each.function(*[given[argument] for argument in each.argnames])
                if inspect.isawaitable(result):
                    await result
                return allowed.used
        except Failure as failure:
            failure.plugin = failure.plugin or each.plugin_name
            raise
        except TimeoutError as error:
            if allowed.is_over:
                raise self._timeout(each.plugin_name, name) from error
            error.add_note(f"plugin {each.plugin_name}, hook {name}")
            raise
        except Exception as error:
            error.add_note(f"plugin {each.plugin_name}, hook {name}")
            raise

    def _timeout(self, plugin: str, name: str) -> Timeout:
        failure = Timeout(f"The plugin {plugin} took longer than {self.limit:g} s in {name}.")
        failure.plugin = plugin
        return failure


@asynccontextmanager
async def _counted(allowed: Allowance, context: Context[Any]) -> AsyncIterator[None]:
    """Has the unit know whose time runs, so that it takes nothing of it for others."""
    running = context.unit.allowances if context.in_unit else []
    running.append(allowed)
    try:
        async with allowed:
            yield
    finally:
        running.remove(allowed)
