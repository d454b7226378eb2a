"""Descriptions are docstrings, and the strings that stand under attributes."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def description_of(thing: Any) -> str | None:
    """The docstring, unless it is the one that `@dataclass` writes by itself."""
    doc = vars(thing).get("__doc__") if isinstance(thing, type) else thing.__doc__
    if doc is None or doc.startswith(f"{thing.__name__}("):
        return None
    return inspect.cleandoc(doc)


def attribute_docs(cls: type) -> Mapping[str, str]:
    """The string under an attribute is its description, as Sphinx and pydantic read it."""
    return _docs_in(cls.__module__).get(cls.__qualname__, {})


@cache
def _docs_in(module: str) -> Mapping[str, Mapping[str, str]]:
    """What stands under the attributes of all classes of a module, which is read once."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):  # made at run time: there is no source to read
        return {}
    return {name: _docs_of(each) for name, each in _classes(tree, "")}


def _classes(scope: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for each in ast.iter_child_nodes(scope):
        if isinstance(each, ast.ClassDef):
            yield prefix + each.name, each
            yield from _classes(each, f"{prefix}{each.name}.")
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _classes(each, f"{prefix}{each.name}.<locals>.")


def _docs_of(cls: ast.ClassDef) -> Mapping[str, str]:
    found = {}
    for statement, text in pairwise(cls.body):
        name = _assigned(statement)
        if name and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[name] = inspect.cleandoc(str(text.value.value))
    return found


def _assigned(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None
