"""Who is told of each request besides the log, as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol

from crmkit.host.actors import SYSTEM, Actor
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from crmkit.settings import Settings


class Call(NamedTuple):
    """Something that a request waited for: a statement, or a function of a plugin."""

    plugin: str
    what: str
    began: float
    seconds: float


def _free(_: Actor, __: int) -> None:
    """What is asked from code costs nobody anything."""


@dataclass(slots=True)
class Note:
    """What is known of a request: names and numbers, of which nothing is people's."""

    request_id: str
    actor: Actor = SYSTEM
    kind: str | None = None
    operation: str | None = None
    plan: str | None = None
    statements: int = 0
    status: int = 0
    began: float = 0
    seconds: float = 0
    calls: list[Call] | None = field(default_factory=list)
    """What it waited for; nothing where nobody wants to hear of that."""
    has_written: bool = False
    """Whether its client says that it has changed something a moment ago, anywhere."""
    charge: Callable[[Actor, int], None] = _free
    """Counts the points of an operation against what its actor may ask for."""

    def took(self, plugin: str, what: str, began: float, seconds: float) -> None:
        """Remembers something that was waited for."""
        if self.calls is not None:
            self.calls.append(Call(plugin, what, began, seconds))


class Observer(Protocol):
    """Is told of each request when it has been answered."""

    def answered(self, note: Note, headers: Mapping[bytes, bytes]) -> None: ...

    def routes(self) -> list[Route]:
        """Where somebody asks what it has been told."""


def observers_of(settings: Settings) -> list[Observer]:
    """Those that the settings want.

    Raises:
        SetupError: What they stand on is not installed.
    """
    wanted = settings.telemetry
    made = []
    if wanted.metrics:
        made.append(_made("metrics", "Metrics", settings))
    if wanted.traces:
        made.append(_made("traces", "Traces", settings, " opentelemetry-exporter-otlp-proto-http"))
    return made


def _made(module: str, name: str, settings: Settings, besides: str = "") -> Observer:
    try:
        # Who wants neither needs neither library.
        made: Observer = getattr(import_module(f"crmkit.graph.{module}"), name).of(settings)
    except ModuleNotFoundError as error:
        raise SetupError(
            f"telemetry.{module} needs {error.name}, which is not installed; "
            f"run pip install 'crmkit[telemetry]'{besides}."
        ) from None
    return made
