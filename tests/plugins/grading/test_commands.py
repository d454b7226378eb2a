from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from typer.testing import CliRunner

from crmkit.testing import Trial, crm
from crmkit_grading.commands import app
from crmkit_grading.plugin import Grading
from tests.plugins.grading.room import arrive, graded, score, talk

RULES = {"talks": {"group": "engagement", "events": ["interaction"], "points": 30}}


def test_other_rules_are_tried_and_then_applied(engine: str) -> None:
    with asyncio.Runner() as runner:
        opened = crm(Grading, config={"grading": {"rules": RULES}}, engine=engine)
        t = runner.run(opened.__aenter__())
        anna = runner.run(_talked(t))
        before = runner.run(graded(t, anna))
        other = {"talks": {**RULES["talks"], "points": 60}}
        loaded = t.host.loaded["grading"]
        config = type(loaded.config).model_validate({"rules": other})
        object.__setattr__(loaded, "config", config)

        def call(*words: str) -> str:
            desk = SimpleNamespace(run=lambda body: runner.run(_run(t, body)))
            ended = CliRunner().invoke(app, ["regrade", *words], obj=desk)
            assert ended.exit_code == 0, ended.output
            return ended.output

        assert "1 customers graded: 1 would have another" in call("--dry-run")
        # Nothing has happened: neither the score nor its history.
        same = runner.run(graded(t, anna))
        assert (same["score"], same["gradeHistory"]) == (before["score"], before["gradeHistory"])
        told = call("--due")
        assert "1 customers graded: 1 have another" in told
        assert "c -> b: 1" in told
        assert "0 customers graded" in call("--due")
        assert runner.run(score(t, anna)) == (60, "b")
        changes = runner.run(graded(t, anna))["gradeHistory"]["nodes"]
        assert changes[0]["reason"] == "REGRADING"
        # What other rules counted stays as it was.
        assert changes[1:] == before["gradeHistory"]["nodes"]
        assert changes[0]["rules"] != changes[1]["rules"]
        runner.run(opened.__aexit__(None, None, None))


async def _talked(t: Trial) -> str:
    anna = await arrive(t)
    await talk(t, anna)
    return anna


async def _run(t: Trial, body: Any) -> Any:
    return await t.unit(body, plugin="grading")
