"""Hooks are called in the order of loading, each under the name of its plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from crmkit.host.context import Context
from crmkit.host.dispatch import hook, hookspec
from crmkit.host.drafts import Draft
from crmkit.host.host import Host
from crmkit.host.loading import load
from crmkit.host.manifest import NoConfig, Plugin
from crmkit.values.clock import ManualClock
from crmkit.values.errors import Refused, Timeout
from tests.host.tiny import Core, plugin, settings

pytestmark = pytest.mark.anyio

Drafts = Sequence[Draft[str, Any]]


class Offers:
    @staticmethod
    @hookspec
    async def letters_sent(context: Context[Any], drafts: Drafts, country: str) -> None:
        """Adds what follows from letters."""


def post(**given: Any) -> type[Plugin]:
    return plugin("post", hookspecs=Offers, **given)


def app(*plugins: type[Plugin], **sections: Any) -> Host:
    said = settings(profile="production", **sections)
    loaded = load(said, extra=[Core, *plugins])
    return Host(said, None, ManualClock(), loaded)  # type: ignore[arg-type]  no rows here


async def send(host: Host, *letters: str) -> None:
    drafts = [Draft[str, Any](each, n) for n, each in enumerate(letters)]
    await host.context("post").call(Offers.letters_sent, drafts, country="DE")


def telling(told: list[Any]) -> Any:
    @hook(of="post")
    async def letters_sent(self: Plugin, context: Context[Any], drafts: Drafts) -> None:
        told.append((context.plugin, *[each.input for each in drafts]))

    return letters_sent


async def test_they_are_called_in_the_order_of_loading_whatever_the_order_of_naming() -> None:
    told: list[Any] = []
    first = plugin("mail", letters_sent=telling(told), works_with=("post",))
    last = plugin("ads", letters_sent=telling(told), works_with=("mail", "post"))
    await send(app(last, first, post()), "a", "b")
    assert told == [("mail", "a", "b"), ("ads", "a", "b")]


async def test_they_may_be_synchronous_and_take_what_they_need_in_any_order() -> None:
    told = []

    @hook
    def letters_sent(self: Plugin, country: str, context: Any) -> None:
        told.append((country, context.plugin))

    await send(app(post(letters_sent=letters_sent)), "a")
    assert told == [("DE", "post")]


async def test_functions_of_a_plugins_module_are_its_hooks(install: Any) -> None:
    install(
        "mail",
        plugin="""
from crmkit.host.dispatch import hook
from crmkit.host.manifest import Plugin

class Entry(Plugin):
    name = "mail"
    version = "1.0"
    works_with = ("post",)

@hook(of="post")
async def letters_sent(context, drafts):
    drafts[0].becomes(context.plugin)
""",
    )
    said = settings("mail", profile="production")
    host = Host(said, None, ManualClock(), load(said, extra=[Core, post()]))  # type: ignore[arg-type]
    draft = Draft[str, Any]("a")
    await host.context("post").call(Offers.letters_sent, [draft], "DE")
    assert draft.row == "mail"
    assert host.hooks.implemented_by("mail") == ["letters_sent"]


async def test_a_hook_of_an_absent_plugin_is_ignored() -> None:
    told: list[Any] = []
    mail = plugin("mail", letters_sent=telling(told), works_with=("post",))
    assert app(mail).hooks.implemented_by("mail") == []
    await send(app(mail, post()), "a")
    assert told == [("mail", "a")]


async def test_each_is_given_its_own_plugins_configuration() -> None:
    class MailConfig(NoConfig):
        sender: str = "nobody"

    seen = []

    @hook(of="post")
    async def letters_sent(self: Plugin, context: Any) -> None:
        seen.append(context.config.sender)

    mail = plugin("mail", works_with=("post",), Config=MailConfig, letters_sent=letters_sent)
    await send(app(mail, post(), mail={"sender": "us"}))
    assert seen == ["us"]


async def test_a_failure_carries_the_plugin_whose_rule_it_is() -> None:
    @hook(of="post")
    async def letters_sent(self: Plugin) -> None:
        raise Refused("No letters today.")

    mail = plugin("mail", works_with=("post",), letters_sent=letters_sent)
    with pytest.raises(Refused) as refused:
        await send(app(post(), mail), "a")
    assert refused.value.plugin == "mail"


async def test_any_other_exception_has_a_note_that_names_the_culprit() -> None:
    @hook(of="post")
    async def letters_sent(self: Plugin) -> None:
        raise ZeroDivisionError

    mail = plugin("mail", works_with=("post",), letters_sent=letters_sent)
    with pytest.raises(ZeroDivisionError) as raised:
        await send(app(post(), mail), "a")
    assert raised.value.__notes__ == ["plugin mail, hook letters_sent"]


async def test_a_slow_hook_is_logged_with_its_plugin(capsys: pytest.CaptureFixture[str]) -> None:
    host = app(post(letters_sent=telling([])))
    host.hooks.slow = 0
    await send(host, "a")
    printed = capsys.readouterr().out
    for part in ("slow hook", "hook=letters_sent", "plugin=post", "milliseconds="):
        assert part in printed


async def test_a_hook_over_the_limit_fails_with_its_plugins_name() -> None:
    @hook
    async def letters_sent(self: Plugin) -> None:
        await asyncio.Event().wait()

    host = app(post(letters_sent=letters_sent))
    host.hooks.limit = 0.01
    with pytest.raises(Timeout, match=r"post took longer than 0.01 s in letters_sent") as late:
        await send(host, "a")
    assert late.value.plugin == "post"


async def test_two_apps_in_one_process_have_hooks_of_their_own() -> None:
    told: list[Any] = []
    mail = plugin("mail", letters_sent=telling(told), works_with=("post",))
    with_mail, without = app(post(), mail), app(post())
    await send(without, "b")
    assert told == []
    await send(with_mail, "a")
    assert told == [("mail", "a")]
    assert "mail" not in without.loaded


async def test_calls_from_a_hook_are_bound_to_its_plugin() -> None:
    told: list[Any] = []

    @hook
    async def letters_sent(self: Plugin, context: Context[Any]) -> None:
        told.append((context.plugin, context.bound("core").plugin, context.nested("core").plugin))

    await send(app(post(letters_sent=letters_sent)), "a")
    assert told == [("post", "core", "core")]
