"""Failures as GraphQL errors: a code, a sentence and a path; everything unknown is masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from crmkit.graph.reading import Unreadable
from crmkit.values.errors import ErrorCode, Failure, Problem, Timeout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmkit.graph.observers import Note

_MASKED = "Something went wrong here, not with your request; the correlation id leads to the cause."

log = structlog.get_logger("crmkit.graph")


class Wrong(Exception):
    """An operation of which nothing runs, and all that is wrong with it."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(*errors)
        self.errors = errors


def formatted(errors: Sequence[Exception], correlation_id: str) -> list[dict[str, Any]]:
    """Says each error as a client may see it."""
    return [_formatted(error, correlation_id) for error in errors]


def errors_of(error: Exception, note: Note) -> list[dict[str, Any]]:
    """All that is wrong with an operation of which nothing ran, as its client may see it."""
    if isinstance(error, TimeoutError):
        error = Timeout("The operation took too long and was stopped.")
    told: list[dict[str, Any]] = failed(error, note.request_id)["errors"]
    return told


def failed(error: Exception, correlation_id: str) -> dict[str, Any]:
    """Answers a request of which nothing ran: errors, and no data."""
    if isinstance(error, Unreadable):
        error = error.failure
    wrong = error.errors if isinstance(error, Wrong) else [error]
    return {"errors": formatted(wrong, correlation_id)}


def _formatted(error: Exception, correlation_id: str) -> dict[str, Any]:
    message, extensions = _told(error, correlation_id)
    answer: dict[str, Any] = {"message": message}
    if isinstance(error, GraphQLError):
        if error.locations:
            answer["locations"] = [each.formatted for each in error.locations]
        if error.path is not None:
            answer["path"] = list(error.path)
    answer["extensions"] = extensions
    return answer


def _told(error: Exception, correlation_id: str) -> tuple[str, Mapping[str, Any]]:
    cause = _cause(error)
    if isinstance(cause, Failure):
        return cause.message, _extensions(cause)
    if isinstance(error, GraphQLSyntaxError):
        return error.message, {"code": ErrorCode.INVALID, "reason": "graphql.syntax"}
    if isinstance(error, GraphQLError) and error.path is None and cause is error:
        return error.message, {"code": ErrorCode.INVALID, "reason": "graphql.validation"}
    log.error("unexpected error", correlation_id=correlation_id, exc_info=cause)
    extensions = {"code": ErrorCode.INTERNAL, "correlationId": correlation_id}
    # Whose function of a field it was is said of what is masked, too.
    if (plugin := vars(cause).get("plugin")) is not None:
        extensions["plugin"] = plugin
    return _MASKED, extensions


def _cause(error: Exception) -> Exception:
    """What a GraphQL error was made from; a chain of GraphQL errors is the outermost."""
    inner: Exception | None = error
    while isinstance(inner, GraphQLError):
        inner = inner.original_error
    return error if inner is None else inner


def _extensions(failure: Failure) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": failure.code}
    if failure.reason:
        extensions["reason"] = failure.reason
    if failure.problems:
        extensions["problems"] = [_problem(each) for each in failure.problems]
    if failure.plugin:
        extensions["plugin"] = failure.plugin
    return extensions


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "field": problem.field,
        "code": problem.code,
        "message": problem.message,
        "params": dict(problem.params),
    }
