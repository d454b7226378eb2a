"""Each mistake in putting plugins together is one sentence: the culprit and the cure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field

from crmkit.host.context import Context
from crmkit.host.dispatch import hook, hookspec
from crmkit.host.loading import load
from crmkit.host.manifest import NoConfig, Plugin
from crmkit.settings import Settings
from crmkit.values.errors import SetupError
from tests.host.tiny import NUMBERS, Core, plugin, settings

if TYPE_CHECKING:
    from crmkit.host.builders import EventBuilder, ImportBuilder, PermissionBuilder

Install = Callable[..., None]
Case = tuple[Sequence[type[Plugin]], Settings]
Mistake = Callable[[Install, str], Case]

MISTAKES: list[Any] = []


def mistake(sentence: str) -> Callable[[Mistake], Mistake]:
    def keep(function: Mistake) -> Mistake:
        MISTAKES.append(pytest.param(function, sentence, id=function.__name__))
        return function

    return keep


class SmsConfig(NoConfig):
    sender: str = "us"
    tries: int = Field(default=3, gt=0)


class MailConfig(BaseModel):
    server: str = "localhost"


# -- which plugins ----------------------------------------------------------------------


@mistake(
    "The plugin loyality is enabled but not installed (did you mean loyalty?); install it, or "
    "correct [plugins] enabled."
)
def not_installed(install: Install, profile: str) -> Case:
    install("loyalty", plugin="")
    return [], settings("loyality", profile=profile)


@mistake(
    "The plugin sms (ajax_sms.plugin:Entry) cannot be imported, ModuleNotFoundError: No module "
    "named 'twilio_api'; install what it needs, or take sms out of [plugins] enabled."
)
def import_error(install: Install, profile: str) -> Case:
    install("sms", plugin="import twilio_api")
    return [], settings("sms", profile=profile)


@mistake("The entry point sms = ajax_sms.plugin:Entry is no plugin; name a subclass of sdk.Plugin.")
def no_plugin(install: Install, profile: str) -> Case:
    install("sms", plugin="Entry = 5")
    return [], settings("sms", profile=profile)


@mistake("The entry point sms = ajax_sms.plugin:Entry names the plugin mail; give both one name.")
def two_names_of_one(install: Install, profile: str) -> Case:
    install("sms", plugin=entry("mail"))
    return [], settings("sms", profile=profile)


@mistake("Both ajax and other bring a plugin named sms; uninstall one of them.")
def two_distributions(install: Install, profile: str) -> Case:
    install("sms", plugin=entry("sms"))
    install("sms", distribution="other", plugin=entry("sms"))
    return [], settings("sms", profile=profile)


@mistake(
    "Two plugins are named sms, tests.host.tiny.Sms and tests.host.tiny.Sms; enable only one of them."
)
def one_name_of_two(install: Install, profile: str) -> Case:
    return [plugin("sms"), plugin("sms")], settings(profile=profile)


@mistake(
    "The plugins sms and sms_extra cannot be told apart by their tables, because one name begins "
    "the other's; rename one of them."
)
def one_name_begins_the_other(install: Install, profile: str) -> Case:
    return [plugin("sms_extra"), plugin("sms")], settings(profile=profile)


@mistake("The plugin tests.host.tiny.Sms2 needs a name of small letters and _; write name = ….")
def name_with_a_digit(install: Install, profile: str) -> Case:
    return [plugin("sms2")], settings(profile=profile)


@mistake(
    "The plugin tests.host.tiny.Fields cannot be called fields, which stands for a company's own "
    "fields; call it something else."
)
def name_of_what_companies_define(install: Install, profile: str) -> Case:
    return [plugin("fields")], settings(profile=profile)


# -- versions and dependencies --------------------------------------------------------


@mistake(
    "The plugin sms 1.0 is written for crmkit.sdk >=2, and this is 1.0; install a version of it "
    "that fits."
)
def another_sdk(install: Install, profile: str) -> Case:
    return [plugin("sms", requires_sdk=">=2")], settings(profile=profile)


@mistake("The manifest of the plugin sms is wrong: Invalid version: 'one'.")
def no_version(install: Install, profile: str) -> Case:
    return [plugin("sms", version="one")], settings(profile=profile)


@mistake("The plugin sms depends on mail, which is not enabled; install and enable mail.")
def missing_dependency(install: Install, profile: str) -> Case:
    return [plugin("sms", depends_on=("mail",))], settings(profile=profile)


@mistake("The plugin sms depends on mail, which is not enabled; add mail to [plugins] enabled.")
def dependency_not_enabled(install: Install, profile: str) -> Case:
    install("mail", plugin=entry("mail"))
    return [plugin("sms", depends_on=("mail",))], settings(profile=profile)


@mistake(
    "The plugin sms needs mail>=2, and mail 1.0 is installed; install versions that fit, or enable "
    "only one of them."
)
def wrong_version_of_a_dependency(install: Install, profile: str) -> Case:
    return [plugin("mail"), plugin("sms", works_with=("mail>=2",))], settings(profile=profile)


@mistake(
    "The plugins mail and sms wait for each other; take one out of the other's depends_on or "
    "works_with."
)
def cycle(install: Install, profile: str) -> Case:
    mail, sms = plugin("mail", works_with=("sms",)), plugin("sms", depends_on=("mail",))
    return [mail, sms], settings(profile=profile)


# -- configuration --------------------------------------------------------------------


@mistake("[plugins.sms] tries cannot be used: Input should be greater than 0; correct it.")
def bad_config(install: Install, profile: str) -> Case:
    return [plugin("sms", Config=SmsConfig)], settings(profile=profile, sms={"tries": 0})


@mistake(
    "[plugins.sms] trys is no option of that plugin (did you mean tries?); correct or remove it."
)
def unknown_option(install: Install, profile: str) -> Case:
    return [plugin("sms", Config=SmsConfig)], settings(profile=profile, sms={"trys": 1})


@mistake("The section [plugins.smss] is no plugin's (did you mean sms?); correct or remove it.")
def unknown_section(install: Install, profile: str) -> Case:
    return [plugin("sms")], settings(profile=profile, smss={"tries": 1})


# -- tables ---------------------------------------------------------------------------


@mistake(
    "The plugin sms takes the table mail_message, which ajax_mail.plugin has already; begin the "
    "names of its own tables with sms_."
)
def one_table_of_two(install: Install, profile: str) -> Case:
    install("mail", plugin=entry("mail", table="mail_message"))
    install("sms", plugin=entry("sms", table="mail_message"))
    return [], settings("mail", "sms", profile=profile)


@mistake(
    "The plugin sms takes the table mail_message, which is mail's by its name; call it sms_message."
)
def table_of_a_neighbour(install: Install, profile: str) -> Case:
    install("sms", plugin=entry("sms", table="mail_message"))
    return [plugin("mail")], settings("sms", profile=profile)


@mistake(
    "The plugin sms takes the table message, which is nobody's by its name; call it sms_message."
)
def table_of_nobody(install: Install, profile: str) -> Case:
    install("sms", plugin=entry("sms", table="message"))
    return [], settings("sms", profile=profile)


@mistake(
    "The table sms_2 of the plugin sms cannot be the prefix of an id; use small letters and _ in "
    "its name."
)
def prefix_that_is_none(install: Install, profile: str) -> Case:
    install("sms", plugin=entry("sms", table="sms_2"))
    return [], settings("sms", profile=profile)


@mistake("The plugin audit would own the core's table audit by its name; rename the plugin.")
def name_of_a_table_of_the_core(install: Install, profile: str) -> Case:
    return [plugin("audit")], settings(profile=profile)


# -- hooks ----------------------------------------------------------------------------


@hook
async def customer_created(self: Plugin, context: Any, drafts: Any) -> None: ...


@mistake(
    "The plugin sms implements customer_created, but there is no such hook (did you mean "
    "customers_created?); correct its name."
)
def mistyped_hook(install: Install, profile: str) -> Case:
    return [plugin("sms", customer_created=customer_created)], settings(profile=profile)


@hook
async def takes_too_much(self: Plugin, context: Any, draft: Any) -> None: ...


@mistake(
    "The hook customers_created of the plugin sms takes draft (did you mean drafts?); it can take "
    "context, drafts."
)
def unknown_argument(install: Install, profile: str) -> Case:
    return [plugin("sms", customers_created=takes_too_much)], settings(profile=profile)


@hook
async def takes_anothers_context(self: Plugin, context: Context[MailConfig]) -> None: ...


@mistake(
    "The hook customers_created of the plugin sms takes the context of MailConfig, but the "
    "plugin's own Config is SmsConfig; take sdk.Context[SmsConfig]."
)
def context_of_a_neighbour(install: Install, profile: str) -> Case:
    sms = plugin("sms", Config=SmsConfig, customers_created=takes_anothers_context)
    return [sms], settings(profile=profile)


@hook
async def wraps(self: Plugin, context: Any) -> Any:
    yield


@mistake(
    "The hook customers_created of the plugin sms is a wrapper, and hooks are awaited one after "
    "the other; write it without yield."
)
def wrapper(install: Install, profile: str) -> Case:
    return [plugin("sms", customers_created=wraps)], settings(profile=profile)


@hook(of="mial")
async def is_of_a_stranger(self: Plugin, context: Any) -> None: ...


@mistake(
    "The hook mails_sent of the plugin sms is of mial, which the plugin does not name (did you "
    "mean mail?); add mial to its works_with."
)
def hook_of_a_stranger(install: Install, profile: str) -> Case:
    sms = plugin("sms", works_with=("mail",), mails_sent=is_of_a_stranger)
    return [sms], settings(profile=profile)


class Offers:
    @staticmethod
    @hookspec
    async def sent(context: Context[Any], drafts: Sequence[int]) -> None:
        """Adds what follows from what was sent."""


@mistake("The plugins mail and sms both offer the hook sent; rename one of the two.")
def hook_offered_twice(install: Install, profile: str) -> Case:
    return [plugin("mail", hookspecs=Offers), plugin("sms", hookspecs=Offers)], settings(
        profile=profile
    )


@hook(of="mail")
async def takes_text(self: Plugin, drafts: Sequence[str]) -> None: ...


@mistake(
    "The hook sent of the plugin sms takes drafts: collections.abc.Sequence[str]; it is "
    "collections.abc.Sequence[int]."
)
def wrong_annotation(install: Install, profile: str) -> Case:
    sms = plugin("sms", works_with=("mail",), sent=takes_text)
    return [plugin("mail", hookspecs=Offers), sms], settings(profile=profile)


# -- contributions --------------------------------------------------------------------


def permit(*keys: str) -> Callable[..., None]:
    def register_permissions(self: Plugin, permissions: PermissionBuilder) -> None:
        for key in keys:
            permissions.add(key, "Send a message.")

    return register_permissions


@mistake("The plugin sms registers the permission sms.message.send twice; remove one.")
def permission_twice(install: Install, profile: str) -> Case:
    twice = permit("sms.message.send", "sms.message.send")
    return [plugin("sms", register_permissions=twice)], settings(profile=profile)


@mistake(
    "The plugin sms registers the permission core.customer.delete; name it sms.<object>.<action>."
)
def permission_of_a_neighbour(install: Install, profile: str) -> Case:
    sms = plugin("sms", register_permissions=permit("core.customer.delete"))
    return [sms], settings(profile=profile)


def listen(event: str) -> Callable[..., None]:
    def register_events(self: Plugin, events: EventBuilder) -> None:
        @events.on(event)
        async def on_it(context: Any, event: Any) -> None: ...

    return register_events


@mistake(
    "The plugin sms listens to core.CustomerMoved, which core does not emit; correct its name."
)
def unknown_event(install: Install, profile: str) -> Case:
    return [plugin("sms", register_events=listen("core.CustomerMoved"))], settings(profile=profile)


@mistake("The plugin sms listens to mail.Sent, but does not name mail; add mail to its works_with.")
def event_of_a_stranger(install: Install, profile: str) -> Case:
    return [plugin("sms", register_events=listen("mail.Sent"))], settings(profile=profile)


def take_in(self: Plugin, imports: ImportBuilder) -> None:
    imports.add("messages", str, print)


async def hear(context: Any, event: Any) -> None: ...


@mistake("The plugin sms has two event handlers named hear; rename one.")
def two_handlers_of_one_name(install: Install, profile: str) -> Case:
    def register_events(self: Plugin, events: EventBuilder) -> None:
        events.every(hear)
        events.every(hear)

    return [plugin("sms", register_events=register_events)], settings(profile=profile)


@mistake("The plugin sms has two event handlers named hear; rename one.")
def handler_of_everything_that_listens(install: Install, profile: str) -> Case:
    def register_events(self: Plugin, events: EventBuilder) -> None:
        events.on("core.CustomersCreated")(hear)
        events.every(hear)

    return [plugin("sms", register_events=register_events)], settings(profile=profile)


@mistake("The plugin sms lists hear for core.CustomersCreated twice; remove one.")
def handler_that_listens_twice(install: Install, profile: str) -> Case:
    def register_events(self: Plugin, events: EventBuilder) -> None:
        events.on("core.CustomersCreated", "core.CustomersCreated")(hear)

    return [plugin("sms", register_events=register_events)], settings(profile=profile)


@mistake("The plugins mail and sms both register the import messages; rename one of the two.")
def import_of_two(install: Install, profile: str) -> Case:
    mail, sms = plugin("mail", register_imports=take_in), plugin("sms", register_imports=take_in)
    return [mail, sms], settings(profile=profile)


def fail(self: Plugin, schema: Any) -> None:
    raise KeyError("message")


@mistake(
    "The plugin sms fails in register_schema, KeyError: 'message'; mend it, or take sms out of "
    "[plugins] enabled."
)
def exception_while_registering(install: Install, profile: str) -> Case:
    return [plugin("sms", register_schema=fail)], settings(profile=profile)


# -- the tests ------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "sentence"), MISTAKES)
def test_production_stops_at_a_mistake_with_one_sentence(
    case: Mistake, sentence: str, install: Install
) -> None:
    extra, given = case(install, "production")
    with pytest.raises(SetupError) as stopped:
        load(given, extra=[Core, *extra])
    assert str(stopped.value) == sentence


@pytest.mark.parametrize(("case", "sentence"), MISTAKES)
def test_development_says_the_same_and_goes_on_without_the_plugin(
    case: Mistake, sentence: str, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    extra, given = case(install, "development")
    loaded = load(given, extra=[Core, *extra])
    assert sentence in loaded.skipped.values()
    assert "core" in loaded
    assert "plugin skipped" in capsys.readouterr().out


def entry(name: str, table: str = "") -> str:
    model = f"""
class Row{next(NUMBERS)}(Record):
    __tablename__ = "{table}"
    __scope__ = unscoped("tested without data")
"""
    return f"""
from crmkit.host.manifest import Plugin
from crmkit.store.database import Record, unscoped

class Entry(Plugin):
    name = "{name}"
    version = "1.0"
{model if table else ""}"""
