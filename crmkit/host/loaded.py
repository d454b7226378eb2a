"""The plugins of one app, and what each of them contributes."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from sqlalchemy import Table

from crmkit.host.builders import (
    EventBuilder,
    ImportBuilder,
    PermissionBuilder,
    SchemaBuilder,
)
from crmkit.host.dispatch import Hooks
from crmkit.host.jobs import JobBuilder, JobFunction
from crmkit.host.manifest import Plugin, requirements
from crmkit.host.room import package_of
from crmkit.host.tables import CORE, shown_tables, tables_of

if TYPE_CHECKING:
    from sqlalchemy import TableClause

    from crmkit.host.builders import (
        Import,
    )
    from crmkit.host.events import Event
    from crmkit.host.jobs import Do
    from crmkit.store.reach import Extent


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin that takes part in an app, with all that it contributes."""

    manifest: Plugin
    source: str
    config: BaseModel
    renames: Mapping[str, str]
    schema: SchemaBuilder
    permissions: PermissionBuilder
    events: EventBuilder
    imports: ImportBuilder
    jobs: JobBuilder
    tables: Sequence[Table]
    api: ModuleType | None

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def module(self) -> ModuleType:
        return sys.modules[type(self.manifest).__module__]

    @property
    def package(self) -> Path | None:
        """The folder of its files, if it is more than one file."""
        file = self.module.__file__
        return Path(file).parent if file and package_of(type(self.manifest)) else None


@dataclass(frozen=True)
class Loaded:
    """The plugins of one app in the order of loading, and why others are not among them."""

    plugins: Sequence[LoadedPlugin]
    skipped: Mapping[str, str]
    hooks: Hooks

    def __contains__(self, plugin: str) -> bool:
        return plugin in self._by_name

    def __getitem__(self, plugin: str) -> LoadedPlugin:
        return self._by_name[plugin]

    def config(self, plugin: str) -> Any:
        """The options of a plugin, as its own model."""
        return self._by_name[plugin].config

    def event_name(self, event: type[Event]) -> str:
        """The name under which handlers listen to an event."""
        if event not in self._event_names:
            raise RuntimeError(
                f"{event.__module__}.{event.__name__} is emitted, but no plugin registers it; "
                "say events.add in register_events."
            )
        return self._event_names[event]

    def job(self, function: Do) -> JobFunction:
        """What a function that does jobs was registered as.

        Raises:
            RuntimeError: No plugin has registered it.
        """
        if function not in self._job_functions:
            raise RuntimeError(
                f"{function.__module__}.{function.__name__} is enqueued, but no plugin registers it; "
                "say jobs.job in register_jobs."
            )
        return self._job_functions[function]

    def shows(self, table: TableClause, to: str) -> bool:
        """Whether the rules of a plugin may read a table."""
        return table in self._shown[to]

    def neighbour(self, plugin: str, of: str) -> ModuleType | None:
        """The api of a plugin that another one names, or nothing where it is absent."""
        if plugin not in requirements(type(self[of].manifest)):
            raise RuntimeError(
                f"The plugin {of} asks for the api of {plugin}, but does not name it; "
                f"add {plugin} to its works_with."
            )
        return self[plugin].api if plugin in self else None

    @cached_property
    def events(self) -> Mapping[str, type[Event]]:
        return {name: each for one in self.plugins for name, each in one.events.events.items()}

    @cached_property
    def permissions(self) -> Mapping[str, str]:
        return {
            key: text for one in self.plugins for key, text in one.permissions.permissions.items()
        }

    @cached_property
    def presets(self) -> Mapping[str, frozenset[str]]:
        """The permissions of each role that every app begins with."""
        found: dict[str, set[str]] = {}
        for one in self.plugins:
            for role, keys in one.permissions.presets.items():
                found.setdefault(role, set()).update(keys)
        return {role: frozenset(keys) for role, keys in found.items()}

    @cached_property
    def scopes(self) -> Mapping[str, Extent]:
        """The row scopes that plugins offer to roles."""
        return {name: each for one in self.plugins for name, each in one.permissions.scopes.items()}

    @cached_property
    def row_scopes(self) -> Sequence[Any]:
        """The functions with which plugins narrow what somebody reaches."""
        return [
            one.manifest.row_scope
            for one in self.plugins
            if type(one.manifest).row_scope is not Plugin.row_scope
        ]

    @cached_property
    def imports(self) -> Mapping[str, Import]:
        return {name: each for one in self.plugins for name, each in one.imports.imports.items()}

    @cached_property
    def jobs(self) -> Mapping[str, JobFunction]:
        return {name: each for one in self.plugins for name, each in one.jobs.functions.items()}

    @cached_property
    def _job_functions(self) -> Mapping[Do, JobFunction]:
        return {each.function: each for each in self.jobs.values()}

    @cached_property
    def _by_name(self) -> Mapping[str, LoadedPlugin]:
        return {each.name: each for each in self.plugins}

    @cached_property
    def _event_names(self) -> Mapping[type[Event], str]:
        return {each: name for name, each in self.events.items()}

    @cached_property
    def _shown(self) -> Mapping[str, Collection[TableClause]]:
        core = {*tables_of(CORE)}
        return {
            each.name: core.union(
                each.tables,
                *[
                    shown_tables(self[other].api)
                    for other in requirements(type(each.manifest))
                    if other in self
                ],
            )
            for each in self.plugins
        }
