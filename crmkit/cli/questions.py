"""Operations of a file as curl lines, and what comes back when they run."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from graphql import (
    DocumentNode,
    OperationDefinitionNode,
    parse,
    print_ast,
    strip_ignored_characters,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from graphql import GraphQLSchema

_JSON = "content-type: application/json"


def questions(file: Path, url: str, schema: GraphQLSchema) -> Iterator[str]:
    """The operations of a file that can be asked here, each as a line for a shell."""
    for each in parse(file.read_text(encoding="utf-8")).definitions:
        # Some ask for what a plugin adds that is not enabled.
        asked = DocumentNode(definitions=(each,))
        if isinstance(each, OperationDefinitionNode) and not validate(schema, asked):
            body = json.dumps(
                {"query": strip_ignored_characters(print_ast(each))}, ensure_ascii=False
            )
            yield shlex.join(["curl", "-s", url, "-H", _JSON, "-d", body])


async def answer(line: str) -> str:
    """Runs such a line and returns what it prints, easy to read."""
    arguments = shlex.split(line)
    if shutil.which(arguments[0]):
        asked = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
        printed, _ = await asked.communicate()
    else:
        printed = await asyncio.to_thread(_without_curl, arguments[2], arguments[-1])
    return json.dumps(json.loads(printed), ensure_ascii=False, indent=2)


def _without_curl(url: str, body: str) -> bytes:
    name, value = _JSON.split(": ")
    asked = Request(url, body.encode(), {name: value})  # noqa: S310  our own address
    with urlopen(asked) as answered:  # noqa: S310  our own address
        printed: bytes = answered.read()
        return printed
