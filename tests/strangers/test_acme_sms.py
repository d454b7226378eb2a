"""The life of a distribution that is none of ours, in an environment of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from acme_sms.fake import TOKEN, FakeProvider

if TYPE_CHECKING:
    from tests.strangers.environment import Environment

EXAMPLE = Path(__file__).parents[2] / "examples" / "acme_sms"
CREATE = """mutation { createCustomer(input: {name: "Ada", phones: [{number: "+49 30 1234567"}]}) {
  customer { name } } }"""
SEND = 'mutation { sendSms(input: {customerId: "CUSTOMER", text: "Hello"}) { message { state } } }'
ALL = "{ customers { nodes { name smsSent smsMessages { nodes { state } } } } }"
CORE = "{ customers { nodes { name } } }"
NOBODY = "[plugins]\nenabled = []\n"
ENABLED = """[http]
allow_networks = ["127.0.0.1/32"]
[plugins]
enabled = ["acme_sms"]
[plugins.acme_sms]
url = "{url}"
"""


# What it keeps is tried on both engines by its own tests; here it comes and goes.
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_it_is_installed_enabled_used_taken_out_and_uninstalled(
    environment: Environment, tmp_path: Path, database_url: str
) -> None:
    environment.variables["CRMKIT_DATABASE__URL"] = database_url
    # A copy, because a build leaves its traces beside what it builds.
    environment.install(str(shutil.copytree(EXAMPLE, tmp_path / "source")))
    settings = environment.folder / "crmkit.toml"
    settings.write_text(NOBODY)
    assert "acme_sms acme-sms off –" in listed(environment)

    with FakeProvider() as provider:
        settings.write_text(ENABLED.format(url=provider.url))
        environment.variables["CRMKIT_PLUGINS__ACME_SMS__TOKEN"] = TOKEN
        assert "acme_sms: nothing → 0001" in environment.run("crmkit", "db", "upgrade")
        _, sent, found = environment.asked(CREATE, SEND, ALL)
        assert sent == {"data": {"sendSms": {"message": {"state": "QUEUED"}}}}
        assert found["data"]["customers"]["nodes"] == [
            {"name": "Ada", "smsSent": "1", "smsMessages": {"nodes": [{"state": "SENT"}]}}
        ]
        assert [*provider.sent.values()] == [{"to": "+49301234567", "text": "Hello"}]

    settings.write_text(NOBODY)
    del environment.variables["CRMKIT_PLUGINS__ACME_SMS__TOKEN"]
    assert "acme_sms acme-sms off 0001" in listed(environment)
    gone, there = environment.asked(ALL, CORE)
    assert "errors" in gone
    assert there == {"data": {"customers": {"nodes": [{"name": "Ada"}]}}}

    environment.uninstall("acme-sms")
    assert "acme_sms nothing installed orphaned 0001" in listed(environment)
    [made] = environment.asked(CREATE)
    assert "errors" not in made
    left = environment.run("crmkit", "plugins", "purge", "acme_sms", "--yes")
    assert "acme_sms_message 1" in words(left)


def listed(environment: Environment) -> str:
    return words(environment.run("crmkit", "plugins"))


def words(text: str) -> str:
    return " ".join(text.split())
