"""Finds the enabled plugins, orders and checks them, and loads them into one app."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

import structlog
from packaging.requirements import Requirement
from pydantic import BaseModel, TypeAdapter, ValidationError

from crmkit.host import hookspecs
from crmkit.host.builders import (
    EventBuilder,
    ImportBuilder,
    Live,
    PermissionBuilder,
    SchemaBuilder,
)
from crmkit.host.discovery import Available, discover, imported
from crmkit.host.dispatch import Hooks
from crmkit.host.implementations import implement, offer
from crmkit.host.jobs import JobBuilder
from crmkit.host.loaded import Loaded, LoadedPlugin
from crmkit.host.manifest import Plugin, check_manifest, requirements
from crmkit.host.room import home_of, naming, own_module, part
from crmkit.host.tables import CORE, check_name, check_tables, tables_of
from crmkit.settings import RENAME
from crmkit.values.errors import SetupError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from crmkit.settings import Settings

__all__ = ["Loaded", "LoadedPlugin", "discover", "enabled", "load"]


def load(settings: Settings, *, extra: Sequence[type[Plugin]] = ()) -> Loaded:
    """Loads the enabled plugins, and `extra` ones that need no entry point.

    Raises:
        SetupError: A plugin cannot be loaded; outside production it is skipped, loudly,
            together with what depends on it.
    """
    return _Loading(settings).load(extra)


def enabled(settings: Settings, available: Iterable[Available]) -> list[str]:
    """The plugins that the operator wants: those that he names, else the bundled ones."""
    named = settings.plugins.enabled
    wanted = [each.name for each in available if each.bundled] if named is None else named
    return list(dict.fromkeys(wanted))


class _Loading:
    """One run of loading: what has been loaded so far, and what was skipped."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sources: dict[type[Plugin], str] = {}
        self.candidates: dict[str, type[Plugin]] = {}
        self.loaded: dict[str, LoadedPlugin] = {}
        self.skipped: dict[str, str] = {}
        self.hooks = Hooks()

    @cached_property
    def available(self) -> list[Available]:
        """What is installed; it is looked for only where somebody asks, because it takes files."""
        return discover()

    def load(self, extra: Sequence[type[Plugin]]) -> Loaded:
        self._collect([*extra, *self._enabled()])
        self._check_sections()
        for name in self._ordered():
            with self._blaming(name):
                self.loaded[name] = self._loaded(self.candidates[name])
        return Loaded(tuple(self.loaded.values()), self.skipped, self.hooks)

    @contextmanager
    def _blaming(self, name: str) -> Iterator[None]:
        """Stops in production, and when the core is at fault; else skips this plugin."""
        try:
            yield
        except SetupError as error:
            self._skip(name, error)

    def _skip(self, name: str, error: SetupError) -> None:
        if self.settings.profile == "production" or name == CORE:
            raise error
        self.skipped[name] = str(error)
        structlog.get_logger().error("plugin skipped", plugin=name, why=str(error))

    # -- find

    def _enabled(self) -> Iterator[type[Plugin]]:
        if self.settings.safe_mode or self.settings.plugins.enabled == ():
            return
        for name in enabled(self.settings, self.available):
            with self._blaming(name):
                available = self._find(name)
                found = imported(available)
                self.sources[found] = available.distribution
                yield found

    def _find(self, name: str) -> Available:
        found = [each for each in self.available if each.name == name]
        if not found:
            near = nearest(name, [each.name for each in self.available])
            raise SetupError(
                f"The plugin {name} is enabled but not installed{near}; install it, or correct "
                "[plugins] enabled."
            )
        if len(found) > 1:
            brought = " and ".join(each.distribution for each in found)
            raise SetupError(f"Both {brought} bring a plugin named {name}; uninstall one of them.")
        return found[0]

    def _collect(self, found: Iterable[type[Plugin]]) -> None:
        for each in found:
            name = getattr(each, "name", each.__qualname__)
            rival = self.candidates.get(name)
            with self._blaming(_path(each) if rival else name):
                if rival:
                    raise SetupError(
                        f"Two plugins are named {name}, {_path(rival)} and {_path(each)}; "
                        "enable only one of them."
                    )
                check_manifest(each)
                if name != CORE:
                    check_name(name, self.candidates)
                self.candidates[name] = each

    def _check_sections(self) -> None:
        if self.settings.safe_mode:
            return
        met = {*self.candidates, *self.skipped}
        for section in [
            each for each in self.settings.plugins.model_extra or () if each not in met
        ]:
            known = {*met, *[each.name for each in self.available]}
            with self._blaming(section):
                if section not in known:
                    raise SetupError(
                        f"The section [plugins.{section}] is no plugin's"
                        f"{nearest(section, known)}; correct or remove it."
                    )

    # -- order

    def _ordered(self) -> list[str]:
        """The core first, then everybody after those whom he names, else as enabled."""
        waiting = dict(self.candidates)
        while True:
            before = {name: _before(each, waiting) for name, each in waiting.items()}
            sorter = TopologicalSorter(before)
            try:
                sorter.prepare()
            except CycleError as error:
                cycle = error.args[1][:-1]
                wait = SetupError(
                    f"The plugins {' and '.join(sorted(cycle))} wait for each other; take one out "
                    "of the other's depends_on or works_with."
                )
                for name in cycle:
                    self._skip(name, wait)
                    del waiting[name]
            else:
                return _stable(sorter, list(waiting))

    # -- load

    def _loaded(self, cls: type[Plugin]) -> LoadedPlugin:
        self._check_neighbours(cls)
        config = _config(cls, self.settings.plugins.section(cls.name))
        home = home_of(cls)
        if home and cls.name != CORE:
            check_tables(cls.name, home, self.candidates)
        with naming(cls, "its constructor"):
            manifest = cls()
        made = LoadedPlugin(
            manifest=manifest,
            source=self.sources.get(cls, cls.__module__),
            config=config,
            renames=_renames(cls, self.settings.plugins.renames(cls.name)),
            schema=SchemaBuilder(cls.name),
            permissions=PermissionBuilder(cls.name),
            events=EventBuilder(cls.name),
            imports=ImportBuilder(cls.name),
            jobs=JobBuilder(cls.name, self.settings.organisation.zone),
            tables=tables_of(cls.name),
            api=part(cls, "api"),
        )
        self._register(made)
        return made

    def _check_neighbours(self, cls: type[Plugin]) -> None:
        for name in (Requirement(each).name for each in cls.depends_on):
            if name in self.skipped:
                raise SetupError(
                    f"The plugin {cls.name} depends on {name}, which was skipped; mend {name} first."
                )
            if name not in self.loaded:
                installed = any(name == each.name for each in self.available)
                cure = (
                    f"add {name} to [plugins] enabled"
                    if installed
                    else f"install and enable {name}"
                )
                raise SetupError(
                    f"The plugin {cls.name} depends on {name}, which is not enabled; {cure}."
                )
        for name, wanted in requirements(cls).items():
            found = self.candidates[name].version if name in self.loaded else None
            if found and not wanted.contains(found, prereleases=True):
                raise SetupError(
                    f"The plugin {cls.name} needs {name}{wanted}, and {name} {found} is installed; "
                    "install versions that fit, or enable only one of them."
                )

    def _register(self, made: LoadedPlugin) -> None:
        manifest, cls = made.manifest, type(made.manifest)
        with naming(cls, "register_schema"):
            manifest.register_schema(made.schema)
        with naming(cls, "register_permissions"):
            manifest.register_permissions(made.permissions)
        with naming(cls, "register_events"):
            manifest.register_events(made.events)
        with naming(cls, "register_imports"):
            manifest.register_imports(made.imports)
        with naming(cls, "register_jobs"):
            manifest.register_jobs(made.jobs)
        related = {CORE, made.name, *requirements(cls)}
        self._check_events(made, related)
        self._check_imports(made)
        offered = hookspecs if made.name == CORE else part(cls, "hookspecs")
        offer(self.hooks, made.name, offered or getattr(manifest, "hookspecs", None))
        implement(self.hooks, manifest, own_module(cls), related)

    def _check_events(self, made: LoadedPlugin, related: Collection[str]) -> None:
        around = [*self.loaded.values(), made]
        known = {name for each in around for name in each.events.events}
        lives = [each for each in made.schema.parts if isinstance(each, Live)]
        told = [name for each in lives for name in (*each.on, *each.gone)]
        for event in [*(each.event for each in made.events.subscriptions), *told]:
            owner = event.partition(".")[0]
            if owner not in related:
                raise SetupError(
                    f"The plugin {made.name} listens to {event}, but does not name {owner}"
                    f"{nearest(owner, related)}; add {owner} to its works_with."
                )
            if event not in known and (owner == made.name or owner in self.loaded):
                raise SetupError(
                    f"The plugin {made.name} listens to {event}, which {owner} does not emit"
                    f"{nearest(event, known)}; correct its name."
                )

    def _check_imports(self, made: LoadedPlugin) -> None:
        for other in self.loaded.values():
            for name in made.imports.imports.keys() & other.imports.imports.keys():
                raise SetupError(
                    f"The plugins {other.name} and {made.name} both register the import {name}; "
                    "rename one of the two."
                )


def _before(plugin: type[Plugin], all_: Mapping[str, type[Plugin]]) -> list[str]:
    first = [CORE] if plugin.name != CORE else []
    return [name for name in (*first, *requirements(plugin)) if name in all_]


def _stable(sorter: TopologicalSorter[str], asked: list[str]) -> list[str]:
    """The order asked for, as far as dependencies leave it open."""
    order: list[str] = []
    ready: set[str] = set()
    while sorter.is_active():
        ready.update(sorter.get_ready())
        order.append(min(ready, key=asked.index))
        ready.remove(order[-1])
        sorter.done(order[-1])
    return order


def _config(plugin: type[Plugin], section: Mapping[str, object]) -> BaseModel:
    fields = plugin.Config.model_fields
    known = {each.alias or name for name, each in fields.items()}
    if RENAME in known:
        raise SetupError(
            f"The plugin {plugin.name} has an option {RENAME}, which says of every plugin how its "
            "fields are called; call the option something else."
        )
    for option in section:
        if option not in known:
            raise SetupError(
                f"[plugins.{plugin.name}] {option} is no option of that plugin"
                f"{nearest(option, known)}; correct or remove it."
            )
    try:
        return plugin.Config.model_validate(section)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        option = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        # The error itself repeats the values, and one of them may be a secret.
        raise SetupError(
            f"[plugins.{plugin.name}] {option} cannot be used: {message}; correct it."
        ) from None


def _renames(plugin: type[Plugin], said: Any) -> Mapping[str, str]:
    if said and plugin.name == CORE:
        raise SetupError(
            "The core's fields keep their names; rename a plugin's in [plugins.<name>.rename]."
        )
    try:
        return TypeAdapter(dict[str, str]).validate_python(said)
    except ValidationError:
        raise SetupError(
            f"[plugins.{plugin.name}.rename] gives fields new names; "
            'write lines such as "Customer.score" = "xScore".'
        ) from None


def _path(plugin: type[Plugin]) -> str:
    return f"{plugin.__module__}.{plugin.__qualname__}"
