"""Functions that cannot do jobs are refused when a plugin is loaded, with the cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmkit.host.loading import load
from crmkit.values.errors import SetupError
from tests.host.tiny import Core, plugin, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from crmkit.host.context import Context
    from crmkit.host.jobs import JobBuilder


async def plain(context: Context[Any]) -> None: ...


async def paid(context: Context[Any], amount: int) -> None: ...


async def hidden(context: Context[Any], said: JobBuilder) -> None: ...


async def greedy(context: Context[Any], first: int, second: int) -> None: ...


def sync(context: Context[Any]) -> None: ...


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (lambda jobs: [jobs.job(plain), jobs.job(plain)], "registers the job shop.plain twice"),
        (lambda jobs: jobs.job(sync), "shop.sync is not async"),
        (lambda jobs: jobs.job(greedy), "takes a context and at most one payload"),
        (lambda jobs: jobs.job(hidden), "import it at run time"),
        (lambda jobs: jobs.cron("0 9 * * *")(paid), "give its payload a default"),
        (lambda jobs: jobs.cron("9 o'clock")(plain), "has not the five fields"),
        (lambda jobs: jobs.every(days=0)(plain), "after a second at the earliest"),
        (lambda jobs: jobs.every(fortnights=1)(plain), "cannot come every"),
        (lambda jobs: [jobs.every(days=1)(plain), jobs.every(days=2)(plain)], "two schedules"),
    ],
)
def test_what_cannot_be_a_job_is_refused(says: Callable[[JobBuilder], Any], sentence: str) -> None:
    shop = plugin("shop", register_jobs=lambda self, jobs: says(jobs))
    with pytest.raises(SetupError, match=sentence):
        load(settings(profile="production"), extra=[Core, shop])
