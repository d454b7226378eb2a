"""Documents that a company's own clients were built with, named by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from crmkit.values.errors import Invalid, SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crmkit.graph.reading import Asked
    from crmkit.settings import GraphQLSettings

_REASON = "graphql.unknown_document"


class Trusted:
    """The documents of the manifest; enforced, nothing else runs.

    Raises:
        SetupError: The manifest cannot be read.
    """

    def __init__(self, settings: GraphQLSettings) -> None:
        self._enforced = settings.documents == "enforce"
        manifest = settings.manifest
        self._texts = {} if manifest is None else _texts(manifest)

    def text(self, asked: Asked) -> str:
        """The document that is asked for.

        Raises:
            Invalid: It is none of those that run.
        """
        if asked.document_id is not None:
            if (found := self._texts.get(asked.document_id)) is None:
                raise Invalid("No document has this documentId here.", reason=_REASON)
            if asked.document not in (None, found):
                raise Invalid("Say either query or documentId, not both.", reason=_REASON)
            return found
        assert asked.document is not None  # noqa: S101  one of both was said
        if self._enforced:
            raise Invalid("Only known documents run here: send a documentId.", reason=_REASON)
        return asked.document


def _texts(manifest: Path) -> dict[str, str]:
    try:
        said = orjson.loads(manifest.read_bytes())
    except (OSError, ValueError) as error:
        raise SetupError(f"graphql.manifest {manifest} cannot be read: {error}.") from None
    operations = said.get("operations") if isinstance(said, dict) else None
    texts = _of_apollo(operations) if isinstance(operations, list) else said
    if not isinstance(texts, dict) or not all(isinstance(each, str) for each in texts.values()):
        raise SetupError(
            f"graphql.manifest {manifest} is no JSON object of ids and documents, as Relay and "
            "codegen write it, and no persisted query manifest of Apollo."
        )
    return texts


def _of_apollo(operations: Sequence[Any]) -> dict[Any, Any]:
    """Apollo's manifest as the others are written; what is amiss in it, the caller says."""
    found = [each for each in operations if isinstance(each, dict)]
    return {each.get("id"): each.get("body") for each in found}
