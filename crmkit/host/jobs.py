"""What plugins do later: functions that do jobs, and when some of them come again and again."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from pydantic import TypeAdapter

from crmkit.store.leases import TRIES
from crmkit.values.errors import SetupError
from crmkit.values.schedules import Cron, Every, Schedule

Do = Callable[..., Awaitable[Any]]
J = TypeVar("J", bound=Do)


@dataclass(frozen=True)
class JobFunction:
    """A function that does jobs, with what it is handed besides the context."""

    plugin: str
    function: Do
    retries: int
    timeout: float

    @property
    def name(self) -> str:
        return f"{self.plugin}.{self.function.__name__}"

    def stored(self, payload: Any) -> Any:
        """What a payload is stored as until the job is done."""
        return None if payload is None else self._adapter.dump_python(payload, mode="json")

    def arguments(self, stored: Any) -> list[Any]:
        """What the function is called with besides the context."""
        if self._parameter is None:
            return []
        if stored is None and self._parameter.default is not inspect.Parameter.empty:
            return [self._parameter.default]
        return [self._adapter.validate_python(stored)]

    @property
    def needs_payload(self) -> bool:
        """Whether it cannot be called with the context alone."""
        given = self._parameter
        return given is not None and given.default is inspect.Parameter.empty

    @cached_property
    def _parameter(self) -> inspect.Parameter | None:
        _, *given = inspect.signature(self.function).parameters.values()
        return given[0] if given else None

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        if self._parameter is None:
            raise TypeError(f"The job {self.name} takes no payload; enqueue it without one.")
        kind = self._parameter.annotation
        names = inspect.unwrap(self.function).__globals__
        try:
            return TypeAdapter(eval(kind, names) if isinstance(kind, str) else kind)  # noqa: S307
        except NameError as error:
            raise SetupError(
                f"The job {self.name} takes {kind}, which is known to type checkers alone; "
                "import it at run time, because jobs are stored."
            ) from error

    def check(self) -> None:
        """Refuses a function that cannot do jobs.

        Raises:
            SetupError: It takes more than a context and one payload, or is not async.
        """
        if not inspect.iscoroutinefunction(self.function):
            raise SetupError(f"The job {self.name} is not async; write async def.")
        if not 1 <= len(inspect.signature(self.function).parameters) <= 2:
            raise SetupError(f"The job {self.name} takes a context and at most one payload.")
        if self._parameter is not None:
            _ = self._adapter


class JobBuilder:
    """Collects the functions of a plugin that do jobs, and their schedules."""

    def __init__(self, plugin: str, zone: str) -> None:
        self.plugin = plugin
        self.functions: dict[str, JobFunction] = {}
        self.schedules: dict[str, Schedule] = {}
        self._zone = zone

    def job(self, function: J, *, retries: int = TRIES - 1, timeout: float = 60) -> J:
        """Lists a function that does jobs: `context.enqueue(function, payload)` asks for one.

        It is called with a context of this plugin, and the payload if it takes one, in a unit
        of its own that also ends the job. What it returns, if anything, is the payload with
        which the job goes on: a long one does some of its work and returns where it stands.
        Its name stays what it is, because jobs are stored under it.

        Args:
            function: An async function; its payload is anything that pydantic can store.
            retries: How often it is tried again without getting on.
            timeout: The seconds that a call of it may take.

        Raises:
            SetupError: It cannot do jobs, or another function of this plugin is called so.
        """
        made = JobFunction(self.plugin, function, retries, timeout)
        if made.name in self.functions:
            raise SetupError(
                f"The plugin {self.plugin} registers the job {made.name} twice; remove one."
            )
        made.check()
        self.functions[made.name] = made
        return function

    def every(self, **period: float) -> Callable[[J], J]:
        """Has the job of the decorated function asked for each so much time: `every(hours=1)`."""
        return self._scheduled(f"every({period})", lambda: Every(timedelta(**period)))

    def cron(self, expression: str) -> Callable[[J], J]:
        """Has it asked for by the calendar of the organisation's zone: `cron("30 2 * * mon")`.

        The function takes the context alone, or a payload with a default. However many
        workers there are, a moment asks once; those that everybody missed, once together.
        """
        return self._scheduled(f"cron({expression!r})", lambda: Cron(expression, self._zone))

    def _scheduled(self, said: str, made: Callable[[], Schedule]) -> Callable[[J], J]:
        def decorate(function: J) -> J:
            name = f"{self.plugin}.{function.__name__}"
            if name not in self.functions:
                self.job(function)
            if name in self.schedules:
                raise SetupError(f"The job {name} has two schedules; make two functions of it.")
            if self.functions[name].needs_payload:
                raise SetupError(
                    f"The job {name} has a schedule, which hands it nothing; give its payload a default."
                )
            try:
                self.schedules[name] = made()
            except (ValueError, TypeError) as error:
                raise SetupError(f"The job {name} cannot come {said}: {error}.") from None
            return function

        return decorate
