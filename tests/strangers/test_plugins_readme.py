"""plugins/README.md, followed to the letter in an empty folder."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tests.strangers.environment import ON_SQLITE

if TYPE_CHECKING:
    from tests.strangers.environment import Environment

HOME = Path(__file__).parents[2] / "plugins"
README = (HOME / "README.md").read_text(encoding="utf-8")
BLOCKS = re.compile(
    r"(?:<!-- (?P<what>.*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL
)


def test_every_place_that_is_named_exists() -> None:
    places = re.findall(r"\]\(([^)]+)\)", README)
    assert len(places) > 4
    assert [each for each in places if not (HOME / each).exists()] == []


def test_whoever_does_what_it_says_gets_what_it_shows(environment: Environment) -> None:
    answer: object = None
    done = 0
    environment.variables["PYTEST_ADDOPTS"] = ON_SQLITE
    for block in BLOCKS.finditer(README):
        what, text = block["what"], block["text"]
        done += 1
        if what == "run":
            if text == "pytest\n":  # Now the plugin has all that it is to have.
                del environment.variables["PYTEST_ADDOPTS"]
            for line in text.splitlines():
                obey(environment, shlex.split(line))
        elif what == "ask":
            [answer] = environment.asked(text)
        elif what is None:
            assert block["language"] == "json"
            assert json.loads(text) == answer
        else:
            ours = what.startswith("in examples/")
            change(HOME.parent if ours else environment.folder, what, text)
    assert done == 15
    [found] = environment.asked("{ customers { nodes { name surveysNote surveysContacts } } }")
    assert found["data"]["customers"]["nodes"] == [
        {"name": "Ada", "surveysNote": "Met at the fair", "surveysContacts": "0"}
    ]


def obey(environment: Environment, words: list[str]) -> None:
    match words:
        case ["cd", folder]:
            environment.folder /= folder
        case ["pip", "install", *rest]:
            environment.install(*rest)
        case [("crmkit" | "pytest") as module, *rest]:
            environment.run(module, *rest)
        case _:
            raise AssertionError(f"Nobody knows how to {words}.")


def change(folder: Path, what: str, text: str) -> None:
    """Does with a file what the comment above a block says."""
    verb, _, name = what.rpartition(" ")
    file = folder / name
    if verb == "new":
        assert not file.exists()
        file.write_text(text, encoding="utf-8")
        return
    there = file.read_text(encoding="utf-8")
    if verb == "in":
        assert text in there
    elif verb == "end of":
        file.write_text(f"{there}\n{text}", encoding="utf-8")
    elif verb == "instead in":
        before, after = text.splitlines(keepends=True)
        assert there.count(before) == 1
        file.write_text(there.replace(before, after), encoding="utf-8")
    else:
        raise AssertionError(f"Nobody knows what {what} means.")
