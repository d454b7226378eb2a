from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run

# What they ask of the endpoint, its own tests ask on both engines.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

MAIL = "uma@example.com"


def test_a_colleague_is_invited_listed_and_deactivated(
    upgraded: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = upgraded("user", "invite", "Uma", MAIL, "--role", "sales", "--role", "support").out
    assert re.search(r"^  crmi_\w{75}$", said, re.MULTILINE)
    assert re.search(r"Uma +uma@example.com +– +sales, support +yes", upgraded("user", "list").out)
    monkeypatch.setenv("CRMKIT_ACCESS__LINK", "https://crm.example/welcome#")
    said = upgraded("user", "reset", MAIL).out
    assert re.search(r"^  https://crm.example/welcome#crmi_\w{75}$", said, re.MULTILINE)
    assert upgraded("user", "deactivate", MAIL).code == 0
    assert re.search(r"Uma .* no", upgraded("user", "list").out)


def test_a_key_is_made_told_once_listed_and_revoked(upgraded: Run) -> None:
    upgraded("user", "invite", "Uma", MAIL, "--role", "sales")
    said = upgraded("token", "create", "Export", "--user", MAIL, "--read-only", "--days", "30").out
    [(id_, token)] = re.findall(r"(api_key_\w{26}) .*Bearer (crm_\w{75})", said, re.DOTALL)
    listed = upgraded("token", "list").out
    assert re.search(rf"{id_} +Export +{MAIL} +reads", listed)
    assert token not in listed
    assert upgraded("token", "revoke", id_).code == 0
    assert re.search(rf"{id_} .*revoked", upgraded("token", "list").out)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["token", "create", "Export"], "Say for which user or service the key speaks."),
        (["user", "invite", "Uma", MAIL, "--team", "North"], "There is no team 'North'."),
    ],
)
def test_what_cannot_be_is_one_sentence(upgraded: Run, asked: list[str], said: str) -> None:
    ended = upgraded(*asked)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(said)
