"""The log of a server: lines of JSON, in which nobody and no secret is named."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, TextIO

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

_CAUSES = 5


def log_json(to: TextIO | None = None) -> None:
    """Writes what we and what the libraries log, a JSON object a line, to the standard error."""
    stream = to or sys.stderr
    writer = _Writer(stream)
    atexit.register(writer.catch_up)
    structlog.configure(
        processors=[json_line],
        wrapper_class=_Lines,
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, json_line],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _Lines(structlog.make_filtering_bound_logger(logging.INFO)):  # type: ignore[misc]
    """Writes what each request says without the ways that structlog takes to a processor."""

    def info(self, event: str, *given: Any, **line: Any) -> Any:
        if given:
            return super().info(event, *given, **line)
        return self._logger.soon(json_line(None, "info", {**self._context, **line, "event": event}))


class _Writer:
    """Writes what the requests of one turn of the loop say at once, and what is wrong right away.

    To write a line takes longer than to make it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._lock = Lock()

    def soon(self, line: str) -> None:
        """Writes a line by the end of the next turn."""
        with self._lock:
            self._lines.append(line)
            if len(self._lines) > 1:
                return
        try:
            asyncio.get_running_loop().call_soon(self.catch_up)
        except RuntimeError:  # There is no loop.
            self.catch_up()

    def msg(self, line: str) -> None:
        """Writes a line now, behind those that were said before it."""
        with self._lock:
            self._lines.append(line)
        self.catch_up()

    debug = info = warning = error = critical = exception = msg

    def catch_up(self) -> None:
        """Writes what has been said so far."""
        with self._lock:
            if self._lines:
                lines, self._lines = self._lines, []
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()


def json_line(_: Any, level: str, line: MutableMapping[str, Any]) -> str:
    """A line of the log as JSON, with its level and its time, and without what is people's."""
    if "exc_info" in line:
        _without_words(line)
    line["level"] = level
    line["timestamp"] = datetime.now(UTC)
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()
    except TypeError:  # Half of a surrogate pair, or a number of more than 64 bits.
        return json.dumps(line, default=str)


def _without_words(line: MutableMapping[str, Any]) -> None:
    """Tells an exception by its kind and its places.

    Its text is left out: a driver's repeats values of rows, and a plugin's may say anything.
    """
    given = line.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()[1]
    elif isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        line["exception"] = list(_told(given))


def _told(error: BaseException | None) -> Iterator[dict[str, Any]]:
    """The exception, and then those that led to it."""
    for _ in range(_CAUSES):
        if error is None:
            return
        frames = traceback.extract_tb(error.__traceback__)
        yield {
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            "at": [f"{each.filename}:{each.lineno} {each.name}" for each in frames],
            "notes": getattr(error, "__notes__", []),
        }
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
