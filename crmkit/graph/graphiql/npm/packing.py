"""What the build of a wheel does about GraphiQL: no wheel without its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FETCHED = Path("crmkit", "graph", "graphiql", "fetched")


class Packing(BuildHookInterface[Any]):
    """Packs what was fetched, which git does not know and hatch therefore leaves out."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        folder = Path(self.root) / _FETCHED
        if not (folder / ".stamp").is_file():
            raise FileNotFoundError("The files of GraphiQL are not there; run `make graphiql`.")
        for path in folder.iterdir():
            if path.name != ".stamp":
                build_data["force_include"][str(path)] = (_FETCHED / path.name).as_posix()
