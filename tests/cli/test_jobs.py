from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_a_job_is_asked_for_listed_cancelled_and_tried_again(upgraded: Run) -> None:
    assert upgraded("jobs", "run", "core.tidy").out.strip() == "A worker will do core.tidy."
    listed = upgraded("jobs", "list").out
    [job] = re.findall(r"job_\w+", listed)
    assert "waiting" in listed
    assert "cancelled" in upgraded("jobs", "cancel", job).out
    assert job not in upgraded("jobs", "list").out
    assert "cancelled" in upgraded("jobs", "list", "--all").out
    assert upgraded("jobs", "cancel", job).err.strip() == "This job has ended already."
    assert upgraded("jobs", "retry", job).code == 0
    assert "waiting" in upgraded("jobs", "list").out


def test_what_is_no_job_is_refused(upgraded: Run) -> None:
    ended = upgraded("jobs", "run", "core.tidi")
    assert (ended.code, ended.err.strip()) == (
        1,
        "There is no job core.tidi (did you mean core.tidy?).",
    )
    wrong = upgraded("jobs", "run", "core.tidy", "--payload", '"much"').err
    assert "That is no payload of core.tidy" in wrong
    assert "is no JSON" in upgraded("jobs", "run", "core.tidy", "--payload", "{").err
