"""What a plugin says about itself, and the moments of its life."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict

from crmkit.host.demo import DemoPart
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, FromClause, Table

    from crmkit.host.actors import Reader
    from crmkit.host.builders import (
        EventBuilder,
        ImportBuilder,
        PermissionBuilder,
        SchemaBuilder,
    )
    from crmkit.host.checks import Verified
    from crmkit.host.context import Context
    from crmkit.host.host import Host
    from crmkit.host.jobs import JobBuilder

SDK_VERSION = "1.0"
"""The version of what `crmkit.sdk` promises, counted apart from the product's."""


_NAME = re.compile(r"[a-z]([a-z_]*[a-z])?")
_TAKEN = frozenset({"fields"})
"""Owners in a schema that are no plugins: what a company defines is under `fields`."""


class NoConfig(BaseModel):
    """The options of a plugin that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Plugin:
    """A part of the product that can be taken out; subclasses say what it is.

    Attributes:
        name: Prefix of its tables, its section of crmkit.toml, its lineage; never changes.
        version: Its own version.
        words: What its names on others' types may contain besides its own name.
        requires_sdk: The versions of `crmkit.sdk` that it is written for.
        works_with: Plugins that it uses when they are there, such as `orders>=1`.
        depends_on: Plugins without which nothing of it works.
        Config: The model of its section `[plugins.<name>]`.
        Demo: Its part in the life of the demo company.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    words: ClassVar[tuple[str, ...]] = ()
    requires_sdk: ClassVar[str] = ""
    works_with: ClassVar[tuple[str, ...]] = ()
    depends_on: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[BaseModel]] = NoConfig
    Demo: ClassVar[type[DemoPart]] = DemoPart

    def register_schema(self, schema: SchemaBuilder) -> None:
        """Lists its nodes, extensions, inputs and mutations."""

    def register_permissions(self, permissions: PermissionBuilder) -> None:
        """Names the permissions that its nodes and mutations declare."""

    def register_events(self, events: EventBuilder) -> None:
        """Lists the events that it emits and the handlers of those it listens to."""

    def register_imports(self, imports: ImportBuilder) -> None:
        """Lists the kinds of file that it can read."""

    def row_scope(
        self, reader: Reader, table: Table, rows: FromClause
    ) -> ColumnElement[bool] | None:
        """Narrows what somebody reaches of a table, on top of what his roles say.

        It is called once for all who have the same permissions, reads nothing, and uses the
        columns of `rows` and `sdk.actor_value("user")` or `("team")`; None narrows nothing.
        """
        return None

    def register_jobs(self, jobs: JobBuilder) -> None:
        """Lists the functions that do its jobs, and when some of them come again and again."""

    async def startup(self, app: Host) -> None:
        """Opens what it needs while the application runs."""

    async def shutdown(self, app: Host) -> None:
        """Closes what `startup` opened."""

    async def health(self, app: Host) -> None:
        """Raises an exception that says what is wrong, if something is."""

    async def verify(self, context: Context[Any]) -> Verified | None:
        """Counts again what it keeps as a result, such as a balance; the context only reads."""


def requirements(plugin: type[Plugin]) -> Mapping[str, SpecifierSet]:
    """The versions of other plugins that one depends on or works with."""
    parsed = [Requirement(each) for each in (*plugin.depends_on, *plugin.works_with)]
    return {each.name: each.specifier for each in parsed}


def check_manifest(plugin: type[Plugin]) -> None:
    """Refuses a plugin whose manifest cannot be true.

    Raises:
        SetupError: Its name or a version is none, or it wants another sdk.
    """
    path = f"{plugin.__module__}.{plugin.__qualname__}"
    if not _NAME.fullmatch(getattr(plugin, "name", "")):
        raise SetupError(f"The plugin {path} needs a name of small letters and _; write name = ….")
    if plugin.name in _TAKEN:
        raise SetupError(
            f"The plugin {path} cannot be called {plugin.name}, which stands for a company's own fields; "
            "call it something else."
        )
    try:
        Version(getattr(plugin, "version", ""))
        requirements(plugin)
        fits = SpecifierSet(plugin.requires_sdk).contains(SDK_VERSION)
    except (InvalidVersion, InvalidSpecifier, InvalidRequirement) as error:
        raise SetupError(f"The manifest of the plugin {plugin.name} is wrong: {error}.") from None
    if not fits:
        raise SetupError(
            f"The plugin {plugin.name} {plugin.version} is written for crmkit.sdk "
            f"{plugin.requires_sdk}, and this is {SDK_VERSION}; install a version of it that fits."
        )
