"""What operators call the fields that plugins add, where two of them want one name."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from crmkit.values.errors import SetupError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-z][A-Za-z0-9]*")
_TAKEN = {"and", "or", "not", "id"}


class Renames:
    """The new names of one schema's fields, by plugin and by `Type.field`.

    Whoever makes a field asks for its name here, so that afterwards it is known which of
    the operator's names no field has asked for.
    """

    def __init__(self, said: Mapping[str, Mapping[str, str]]) -> None:
        self._said = said
        self._asked: dict[str, set[str]] = defaultdict(set)
        for plugin, names in said.items():
            for old, new in names.items():
                if not _NAME.fullmatch(new) or new in _TAKEN:
                    raise SetupError(
                        f'[plugins.{plugin}.rename] "{old}" = "{new}" names no field; '
                        "write a name such as xScore."
                    )

    def of(self, plugin: str, kind: str, name: str) -> str | None:
        """The new name of a field that a plugin adds to a type, if the operator gave one."""
        field = f"{kind}.{name}"
        self._asked[plugin].add(field)
        return self._said.get(plugin, {}).get(field)

    def check(self) -> None:
        """Refuses a new name for what is no field of that plugin.

        Raises:
            SetupError: There is one.
        """
        for plugin, names in self._said.items():
            known = self._asked[plugin]
            for each in names:
                if each not in known:
                    raise SetupError(
                        f"[plugins.{plugin}.rename] {each} is no field that {plugin} adds"
                        f"{nearest(each, sorted(known))}; correct or remove it."
                    )
