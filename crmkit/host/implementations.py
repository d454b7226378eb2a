"""The hooks that a plugin offers and implements: found, checked, taken into an app."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from crmkit.host.context import Context
from crmkit.host.dispatch import IMPLEMENTED, OFFERED, Hooks, Spec
from crmkit.values.errors import SetupError, nearest

if TYPE_CHECKING:
    from crmkit.host.manifest import Plugin

Function = Callable[..., Any]


def offer(hooks: Hooks, plugin: str, source: Any) -> None:
    """Takes in the hooks that a plugin offers.

    Raises:
        SetupError: Another plugin offers a hook of that name.
    """
    for name, function in _marked(source, OFFERED).items():
        if name in hooks.specs:
            raise SetupError(
                f"The plugins {hooks.specs[name].plugin} and {plugin} both offer the hook {name}; "
                "rename one of the two."
            )
        hooks.offer(Spec(name, plugin, function))


def implement(
    hooks: Hooks, manifest: Plugin, module: ModuleType | None, related: Collection[str]
) -> None:
    """Takes in the hooks that a plugin implements.

    Args:
        hooks: The app's.
        manifest: The plugin; its methods may be hooks.
        module: Its module, whose functions may be hooks.
        related: The plugins whose hooks it may implement, whether they are there or not.

    Raises:
        SetupError: One of them fits no hook that is offered.
    """
    found = _marked(module, IMPLEMENTED) | _marked(manifest, IMPLEMENTED)
    fitting = {}
    for name, function in found.items():
        of = getattr(function, "__hook_of__", None)
        if of is not None and of not in related:
            raise SetupError(
                f"The hook {name} of the plugin {manifest.name} is of {of}, which the plugin does not "
                f"name{nearest(of, related)}; add {of} to its works_with."
            )
        if of in (None, manifest.name) or of in hooks.plugins:
            _check(hooks, manifest, name, function, of)
            fitting[name] = function
    hooks.implement(manifest.name, fitting)


def _marked(source: Any, mark: str) -> dict[str, Function]:
    if source is None:
        return {}
    names = vars(source) if isinstance(source, ModuleType) else dir(source)
    found = {name: getattr(source, name) for name in names if not name.startswith("__")}
    return {
        name: each
        for name, each in found.items()
        if inspect.isroutine(each) and hasattr(each, mark)
    }


def _check(hooks: Hooks, manifest: Plugin, name: str, function: Function, of: str | None) -> None:
    spec = hooks.specs.get(name)
    if spec is None or (of is not None and spec.plugin != of):
        whose = f" of {of}" if of else ""
        raise SetupError(
            f"The plugin {manifest.name} implements {name}, but there is no such hook{whose}"
            f"{nearest(name, hooks.specs)}; correct its name."
        )
    if _wraps(function):
        raise SetupError(
            f"The hook {name} of the plugin {manifest.name} is a wrapper, and hooks are awaited one "
            "after the other; write it without yield."
        )
    _check_arguments(manifest, spec, function)
    _check_context(manifest, name, function)


def _check_arguments(manifest: Plugin, spec: Spec, function: Function) -> None:
    offered = inspect.signature(spec.function).parameters
    for argument in inspect.signature(function).parameters:
        if argument not in offered:
            raise SetupError(
                f"The hook {spec.name} of the plugin {manifest.name} takes {argument}"
                f"{nearest(argument, offered)}; it can take {', '.join(offered)}."
            )
        wanted, given = _hint(spec.function, argument), _hint(function, argument)
        if argument != "context" and not _agree(given, wanted):
            raise SetupError(
                f"The hook {spec.name} of the plugin {manifest.name} takes {argument}: "
                f"{inspect.formatannotation(given)}; it is {inspect.formatannotation(wanted)}."
            )


def _check_context(manifest: Plugin, name: str, function: Function) -> None:
    """Refuses the context of a neighbour, which would carry other options than it says."""
    hint = _hint(function, "context")
    config = next(iter(get_args(hint)), Any) if get_origin(hint) is Context else Any
    if not isinstance(config, type) or config in (Any, object):
        return
    if not issubclass(manifest.Config, config):
        raise SetupError(
            f"The hook {name} of the plugin {manifest.name} takes the context of {config.__name__}, "
            f"but the plugin's own Config is {manifest.Config.__name__}; "
            f"take sdk.Context[{manifest.Config.__name__}]."
        )


def _wraps(function: Function) -> bool:
    options: Mapping[str, Any] = getattr(function, IMPLEMENTED)
    yields = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    return bool(yields or options["wrapper"] or options["hookwrapper"])


def _hint(function: Function, argument: str) -> Any:
    """What an argument is annotated with; Any if its names are known to type checkers alone."""
    annotation = inspect.unwrap(function).__annotations__.get(argument, Any)
    one = SimpleNamespace(__annotations__={argument: annotation})
    try:
        return get_type_hints(one, globalns=inspect.unwrap(function).__globals__)[argument]
    except NameError:
        return Any


def _agree(given: Any, wanted: Any) -> bool:
    """Whether two hints may mean the same; parameters that are left out agree."""
    if given == wanted or Any in (given, wanted):
        return True
    if (get_origin(given) or given) is not (get_origin(wanted) or wanted):
        return False
    return all(map(_agree, get_args(given), get_args(wanted)))
