"""Command groups of plugins, imported when they are used."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

GROUP = "crmkit.commands"


class Commands(TyperGroup):
    """The commands of crmkit, and one group for each installed plugin that has one."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *(each.name for each in _groups())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Finds a command by name; a plugin's is only named here, as in the help."""
        found = super().get_command(ctx, cmd_name)
        if found is not None or not any(each.name == cmd_name for each in _groups()):
            return found
        return TyperGroup(name=cmd_name, help=f"What the plugin {cmd_name} can do.")

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Finds the command to run, and imports it if it is a plugin's."""
        name, found, rest = super().resolve_command(ctx, args)
        if name is not None and super().get_command(ctx, name) is None:
            found = _imported(name)
            ctx.obj = import_module("crmkit.cli.running").Runner(name)
        return name, found, rest


def _imported(name: str) -> Any:
    settings = import_module("crmkit.settings").load_settings()
    entry_point = next(each for each in _groups() if each.name == name)
    import_module("crmkit.cli.running").check_enabled(name, settings)
    return typer.main.get_group(entry_point.load())


def _groups() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda each: each.name)
