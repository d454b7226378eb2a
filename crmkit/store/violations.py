"""What drivers complain about, told apart without a word of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.values.errors import Failure, Invalid, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class Violation(Exception):
    """A constraint said no: which kind, on which table, over which columns."""

    def __init__(self, kind: str, table: str = "", columns: tuple[str, ...] = ()) -> None:
        super().__init__(f"a {kind} constraint of {table or 'some table'} was violated")
        self.kind = kind
        self.table = table
        self.columns = columns


class Contention(Exception):
    """Two transactions stood in each other's way; running the whole body again helps."""


class Plainly:
    """The block in which a driver is asked: no error of its leaves it untranslated.

    Args:
        translated: Says what an error of this driver means to us; nothing when it is a mistake
            of ours, or no error of the driver's.
    """

    def __init__(self, translated: Callable[[Exception], Exception | None]) -> None:
        self._translated = translated

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, Exception):
            return
        if (meant := self._translated(error) or _of_any(error)) is not None:
            raise meant from error


def _of_any(error: Exception) -> Exception | None:
    """What an error means that every driver may let out."""
    if isinstance(error, OverflowError):
        return too_large()
    if isinstance(error, UnicodeEncodeError):
        return unstorable()
    # A pool says TimeoutError when no connection came free, a socket OSError.
    return gone() if isinstance(error, (OSError, TimeoutError)) else None


def gone() -> Failure:
    """The database does not answer."""
    return Unavailable("The database does not answer at the moment.")


def too_large() -> Failure:
    """A number has no room in a column."""
    return Invalid("A number is larger than can be stored.")


def unstorable() -> Failure:
    """A text holds what no column takes."""
    return Invalid("A text holds a character that cannot be stored.")
