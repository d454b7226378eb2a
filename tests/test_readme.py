from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from graphql import is_scalar_type, is_specified_scalar_type, parse, validate

from crmkit.app import load_plugins, schema_of
from crmkit.demo.stories import THE_CHAIN
from crmkit.settings import Settings
from crmkit.testing import crm

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_plugin_shown_is_the_one_that_the_tests_run() -> None:
    example = (ROOT / "examples" / "birthdays.py").read_text(encoding="utf-8")
    [shown] = blocks("python")
    paragraphs = shown.strip().split("\n\n\n")
    assert [each for each in paragraphs if each not in example] == []


@pytest.mark.anyio
async def test_the_question_has_the_answer_that_is_shown(engine: str) -> None:
    [question], [answer] = blocks("graphql"), blocks("json")
    create = """mutation ($input: CreateCustomerInput!) {
      createCustomer(input: $input) { customer { id } } }"""
    async with crm(engine=engine) as t:
        for scene in THE_CHAIN.scenes:
            if scene.act == "comes":
                await t.gql(create, input=scene.said)
        assert await t.answer(question) == json.loads(answer)


def test_every_place_that_is_named_exists() -> None:
    places = re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert len(places) > 10
    assert [each for each in places if not (ROOT / each).exists()] == []


def test_codegen_is_told_of_every_scalar() -> None:
    [written] = blocks("yaml")
    settings = Settings()
    kinds = schema_of(load_plugins(settings), settings).core.type_map.values()
    own = {
        each.name for each in kinds if is_scalar_type(each) and not is_specified_scalar_type(each)
    }
    assert set(re.findall(r"^    (\w+):", written, re.MULTILINE)) == own


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [
        line.split()[1]
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("make ")
    ]
    assert {"demo", "test"} <= {*targets}
    assert [each for each in targets if f"\n{each}:" not in makefile] == []


def test_the_settings_shown_load_the_plugins_that_they_enable() -> None:
    [written] = blocks("toml")
    loaded = load_plugins(Settings.model_validate(tomllib.loads(written)))
    assert {"orders", "loyalty"} <= {each.name for each in loaded.plugins}
    assert loaded.skipped == {}


@pytest.mark.anyio
async def test_the_fields_shown_can_be_asked_and_said_as_shown(engine: str) -> None:
    [written] = blocks("toml")
    where = re.findall(r"`customers\((where: \{ segment: .*?)\)`", README)[0]
    create = re.findall(r"`(createCustomer\(.*?\))`", README)[0]
    async with crm(engine=engine, fields=tomllib.loads(written)["fields"]) as t:
        fields = "vatNumber segment segmentLabel"
        made = await t.gql(f"mutation {{ {create} {{ customer {{ {fields} }} }} }}")
        acme = {"vatNumber": "DE123", "segment": "retail", "segmentLabel": "retail"}
        assert made["createCustomer"]["customer"] == acme
        found = await t.gql(f"{{ customers({where}) {{ totalCount }} }}")
        assert found["customers"]["totalCount"] == 0


def test_the_commands_shown_run_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    commands = [line for line in "".join(blocks("sh")).splitlines() if line.startswith("crmkit ")]
    assert commands.count("crmkit serve") == 1
    for each in commands:
        if each != "crmkit serve":
            subprocess.run([sys.executable, "-m", *shlex.split(each)], cwd=tmp_path, check=True)


def test_what_the_quickstart_asks_can_be_asked() -> None:
    document = parse((ROOT / "examples" / "quickstart.graphql").read_text(encoding="utf-8"))
    settings = Settings()
    schema = schema_of(load_plugins(settings), settings).core
    assert validate(schema, document) == []
