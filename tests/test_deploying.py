"""The files that this is deployed with, which nobody here can build: what of them can be held."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crmkit.cli import serving
from crmkit.settings import Settings

ROOT = Path(__file__).parents[1]
OF_AN_APP = ROOT / "crmkit" / "cli" / "templates" / "app"
IMAGE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "crmkit.service").read_text(encoding="utf-8")
SERVING = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")


def of_an_app(name: str) -> str:
    """A file as `crmkit new app` writes it, of an organisation that is called as we are."""
    text = (OF_AN_APP / name).read_text(encoding="utf-8")
    return (
        text.replace("$dashed-crm", "crmkit")
        .replace("$title", "this organisation")
        .replace("$$", "$")
    )


def last_stage(image: str) -> list[str]:
    """What runs, without the settings that only a company's own repository has."""
    _, stage = image.rsplit("\nFROM ", 1)
    return [line for line in stage.splitlines() if "crmkit.toml" not in line]


def test_what_runs_is_written_as_crmkit_new_writes_it() -> None:
    assert of_an_app("deploy/NAME.service.tmpl") == UNIT
    assert last_stage(of_an_app("Dockerfile.tmpl")) == last_stage(IMAGE)


def test_the_image_is_built_in_two_stages_and_does_not_run_as_root() -> None:
    assert [line for line in IMAGE.splitlines() if line.startswith("FROM")] == [
        "FROM python:3.13-slim AS build",
        "FROM python:3.13-slim",
    ]
    assert [line for line in last_stage(IMAGE) if line.startswith("USER")] == ["USER crm"]
    assert any(" useradd --system " in line for line in last_stage(IMAGE))


def test_the_image_is_built_of_what_is_there_and_is_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    assert ignore[0] == "*"
    assert {each for each in let_in if not (ROOT / each).exists()} == set()
    wheel = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r'^"([^"/]+)[^"]*" = "crmkit/_', wheel, re.MULTILINE))
    assert named | {"crmkit", "plugins", "pyproject.toml", "README.md"} <= let_in
    assert re.findall(r"^COPY ([^-]\S*)", IMAGE, re.MULTILINE) == ["requirements-run.lock", "."]


@pytest.mark.parametrize("text", [IMAGE, UNIT], ids=["image", "unit"])
def test_what_is_run_is_a_command(text: str) -> None:
    commands = {tuple(each.split()) for each in re.findall(r"crmkit ((?:db )?[a-z]+)", text)}
    assert commands == {("db", "upgrade"), ("serve",)}
    for each in commands:
        asked = [sys.executable, "-m", "crmkit", *each, "--help"]
        assert subprocess.run(asked, capture_output=True, check=False).returncode == 0


def test_who_stops_it_waits_until_it_has_stopped() -> None:
    assert serving._END < 30
    assert "TimeoutStopSec=30" in UNIT
    assert "terminationGracePeriodSeconds: 30" in SERVING
    readme = (OF_AN_APP / "README.md.tmpl").read_text(encoding="utf-8")
    for text in (SERVING, readme):
        assert [
            line
            for line in text.splitlines()
            if "docker run" in line and "--stop-timeout 30" not in line
        ] == []


def test_the_page_names_the_address_that_is_listened_at() -> None:
    server = Settings().server
    assert f"server {server.host}:{server.port};" in SERVING


ANALYZE = shutil.which("systemd-analyze") or ""


@pytest.mark.skipif(not ANALYZE, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "crmkit.service"
    # What the unit runs has to be there.
    unit.write_text(UNIT.replace("/opt/crmkit/bin/crmkit", sys.executable), encoding="utf-8")
    verified = subprocess.run(
        [ANALYZE, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
