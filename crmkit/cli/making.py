"""`crmkit new`: a company's repository and plugins, made of the templates beside this file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from rich.console import Console

import crmkit.app  # noqa: F401  a plugin's name is compared with the core's tables
from crmkit import __version__
from crmkit.host.discovery import discover
from crmkit.host.manifest import Plugin, check_manifest
from crmkit.host.tables import CORE, check_name
from crmkit.settings import RENAME, PluginSettings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LONGEST_NAME = 24
"""Letters; tables, indexes and lines of code that contain the name stay readable."""

_TEMPLATES = Path(__file__).parent / "templates"
_SUFFIX = ".tmpl"
# Keys of `[plugins]` that are not sections, and what the tables of the core are called by.
_TAKEN = {CORE, RENAME, *PluginSettings.model_fields}
_OUT = Console(highlight=False, soft_wrap=True)


@dataclass
class Files:
    """Files to be written, by their places; none is written before all can be."""

    folder: Path
    made: dict[Path, str] = field(default_factory=dict)
    changed: dict[Path, str] = field(default_factory=dict)

    def add(self, template: str, words: Mapping[str, str], below: str = "") -> None:
        """Adds all files of a template, which may stand in a folder below."""
        root = _TEMPLATES / template
        for path in sorted(root.rglob(f"*{_SUFFIX}")):
            place = str(path.relative_to(root)).removesuffix(_SUFFIX).replace("NAME", words["name"])
            text = path.read_text(encoding="utf-8")
            parent = "" if place.startswith("tests/") else below
            self.made[self.folder / parent / place] = Template(text).substitute(words)

    def write(self) -> None:
        """Writes what is new and what has changed.

        Raises:
            SetupError: A file that would be new is there already; nothing is written.
        """
        for path in self.made:
            if path.exists():
                raise SetupError(f"There is a {path} already, and nothing was written over.")
        for path, text in (self.made | self.changed).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def new_app(name: str) -> None:
    """Makes a company's repository with a plugin of its own in a new folder.

    Raises:
        SetupError: The name cannot be a plugin's, or the folder is there.
    """
    words = _words(name)
    files = Files(_new_folder(name))
    files.add("app", words)
    files.add("plugin", words, below="plugins")
    files.write()
    _tell(files, [f"cd {name}", "make serve", "make test"])


def new_plugin(name: str) -> None:
    """Makes a plugin: in a company's repository one of its own, elsewhere a distribution.

    Raises:
        SetupError: The name cannot be a plugin's, or something of it is there.
    """
    words = _words(name)
    if _is_repository(Path()):
        files = Files(Path())
        files.add("plugin", words, below="plugins")
        files.changed = {
            Path("pyproject.toml"): _with_entry_point(Path("pyproject.toml"), words),
            Path("crmkit.toml"): _with_enabled(Path("crmkit.toml"), name),
        }
        steps = ["pip install --editable ."]
    else:
        files = Files(_new_folder(name))
        files.add("distribution", words)
        files.add("plugin", words)
        steps = [f"cd {name}", "pip install --editable '.[dev]'"]
    files.write()
    _tell(files, [*steps, "crmkit db upgrade", "crmkit serve", "pytest"])


def _words(name: str) -> Mapping[str, str]:
    """What the templates call a plugin of this name.

    Raises:
        SetupError: It cannot be a plugin's name, or another's tables begin with it.
    """
    check_manifest(type("New", (Plugin,), {"name": name, "version": "0.1.0"}))
    if len(name) > LONGEST_NAME:
        raise SetupError(f"The name {name} is too long; say one of at most {LONGEST_NAME} letters.")
    available = discover()
    installed = [each.name for each in available]
    if name in {*_TAKEN, *installed}:
        raise SetupError(f"The name {name} is taken; say another.")
    check_name(name, installed)
    parts = [each.capitalize() for each in name.split("_")]
    return {
        "name": name,
        "dashed": name.replace("_", "-"),
        "title": " ".join(filter(None, parts)),
        "Class": "".join(parts),
        "camel": parts[0].lower() + "".join(parts[1:]),
        "bundled": "".join(f'"{each.name}", ' for each in available if each.bundled),
        "today": str(datetime.now(UTC).date()),
        "version": __version__,
    }


def _new_folder(name: str) -> Path:
    if Path(name).exists():
        raise SetupError(f"There is a {name} already; say another name, or go elsewhere.")
    return Path(name)


# -- a company's repository -----------------------------------------------------------


def _is_repository(folder: Path) -> bool:
    """Whether this is what `crmkit new app` makes: settings, plugins, and one distribution."""
    wanted = ("crmkit.toml", "pyproject.toml", "plugins")
    return all((folder / each).exists() for each in wanted)


def _with_entry_point(file: Path, words: Mapping[str, str]) -> str:
    heading = r'^\[project\.entry-points\."crmkit\.plugins"\]\n'
    line = '{name} = "crmkit_{name}.plugin:{Class}Plugin"\n'.format_map(words)
    text = re.sub(heading, rf"\g<0>{line}", _text(file), count=1, flags=re.MULTILINE)
    return _checked(file, text, ("project", "entry-points", "crmkit.plugins"), words["name"])


def _with_enabled(file: Path, name: str) -> str:
    """The settings with a plugin more; where none are named, all bundled ones go on running."""
    text = _text(file)
    listed = r"^(enabled\s*=\s*\[[^\]]*?),?(\s*\])"
    text = re.sub(listed, rf'\g<1>, "{name}"\g<2>', text, count=1, flags=re.MULTILINE)
    text = text.replace("[, ", "[", 1)
    return _checked(file, text, ("plugins", "enabled"), name)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _checked(file: Path, text: str, keys: Sequence[str], name: str) -> str:
    """The changed text, if the change has come where it belongs.

    Raises:
        SetupError: It has not, because somebody has written the file in another way.
    """
    try:
        found = tomllib.loads(text)
        for each in keys:
            found = found.get(each, {})
    except tomllib.TOMLDecodeError:
        found = {}
    if name not in found:
        raise SetupError(f"{file} has no {'.'.join(keys)} that {name} could be added to.")
    return text


def _tell(files: Files, steps: Sequence[str]) -> None:
    for line in _story(files, steps):
        _OUT.print(line, markup=False)


def _story(files: Files, steps: Sequence[str]) -> Iterator[str]:
    yield from (f"made     {each}" for each in files.made)
    yield from (f"changed  {each}" for each in files.changed)
    yield "Next:"
    yield from (f"  {each}" for each in steps)
