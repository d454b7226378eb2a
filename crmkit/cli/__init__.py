"""Every command on one page; what a command needs is imported when it is used."""

from __future__ import annotations

import sys
from enum import Enum
from importlib import import_module
from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import Annotated, Any

import typer

from crmkit.cli.groups import Commands
from crmkit.values.collecting import without_collecting
from crmkit.values.errors import Failure, SetupError

app = typer.Typer(
    name="crmkit",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A CRM whose core is customers, interactions and stages, and whose rest is plugins.",
)
db = typer.Typer(no_args_is_help=True, help="Bring the database to the version of the code.")
events = typer.Typer(no_args_is_help=True, help="See what has happened, and tell it again.")
jobs = typer.Typer(no_args_is_help=True, help="Look after what is done later.")
schema = typer.Typer(no_args_is_help=True, help="Look at the GraphQL schema.")
plugins = typer.Typer(invoke_without_command=True)
permissions = typer.Typer(no_args_is_help=True, help="Look at who may do what.")
user = typer.Typer(no_args_is_help=True, help="Let colleagues in, and out.")
token = typer.Typer(no_args_is_help=True, help="Give programs keys, and end them.")
audit = typer.Typer(no_args_is_help=True, help="Show that the audit is what was written.")
privacy = typer.Typer(no_args_is_help=True, help="Hand over what is known of people, or forget it.")
new = typer.Typer(no_args_is_help=True, help="Begin a repository or a plugin of your own.")
app.add_typer(db, name="db")
app.add_typer(events, name="events")
app.add_typer(jobs, name="jobs")
app.add_typer(plugins, name="plugins")
app.add_typer(schema, name="schema")
app.add_typer(new, name="new")
app.add_typer(permissions, name="permissions")
app.add_typer(user, name="user")
app.add_typer(token, name="token")
app.add_typer(audit, name="audit")
app.add_typer(privacy, name="privacy")


class Size(Enum):
    """How large the demo company is."""

    small = "small"
    normal = "normal"
    large = "large"


Plugin = Annotated[str, typer.Option(help="The lineage: core, or the name of a plugin.")]


def main() -> None:
    """Runs a command; what is expected to go wrong is one sentence."""
    try:
        app()
    except (SetupError, Failure) as error:
        typer.secho(str(error), err=True, fg="red")
        sys.exit(1)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Where to listen on this machine.")] = 8000,
    serve: Annotated[bool, typer.Option(help="Go on serving after the answers.")] = True,
    size: Annotated[
        Size, typer.Option(help="60, 2,000 or 100,000 customers, each in a folder of its own.")
    ] = Size.normal,
) -> None:
    """Let an invented company live through a year in ./.demo, ask three questions, and serve."""
    _later("demonstration").demo(port, serve=serve, size=size.value)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Instead of the one in the settings.")] = None,
) -> None:
    """Serve the endpoint on this machine."""
    _later("serving").serve(port)


@app.command()
def worker() -> None:
    """Bring events to their handlers and do jobs, beside the servers, until it is stopped."""
    _later("working").worker()


@jobs.command("list")
def list_jobs(
    every: Annotated[bool, typer.Option("--all", help="Also those that are done.")] = False,
) -> None:
    """List the jobs that wait, run or were given up, the latest first."""
    _later("working").list_jobs(every=every)


@jobs.command("run")
def run_job(
    name: Annotated[str, typer.Argument(help="What is to be done, such as core.tidy.")],
    payload: Annotated[str, typer.Option(help="With what, as JSON.")] = "null",
) -> None:
    """Ask for a job, which the next worker does that has a hand free."""
    _later("working").run_job(name, payload)


@jobs.command("retry")
def retry_job(
    id: Annotated[str, typer.Argument(help="A job that was given up or cancelled.")],
) -> None:
    """Have a job tried again."""
    _later("working").retry_job(id)


@jobs.command("cancel")
def cancel_job(
    id: Annotated[str, typer.Argument(help="A job that has not ended.")],
) -> None:
    """Cancel a job, or stop it where it is."""
    _later("working").cancel_job(id)


_Event = Annotated[int | None, typer.Option(help="Only of this one, by its number.")]
_Name = Annotated[
    str | None, typer.Option(help="Only of this kind, such as orders.OrdersRecorded.")
]
_Handler = Annotated[str | None, typer.Option(help="Only to this handler, such as grading.grade.")]
_Since = Annotated[str | None, typer.Option(help="Only from this moment on.")]
_Until = Annotated[str | None, typer.Option(help="Only before this moment.")]


@events.command()
def tail(
    limit: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
) -> None:
    """Print the latest events."""
    _later("telling").tail(limit, follow=follow)


@events.command()
def replay(
    event: _Event = None,
    name: _Name = None,
    handler: _Handler = None,
    since: _Since = None,
    until: _Until = None,
) -> None:
    """Tell handlers again of what they have been told, or were not able to take."""
    module = _later("telling")
    module.replay(module.which(event, name, handler, since, until))


@events.command()
def dead(
    event: _Event = None,
    name: _Name = None,
    handler: _Handler = None,
    since: _Since = None,
    until: _Until = None,
    again: Annotated[bool, typer.Option("--again", help="Have them made again.")] = False,
) -> None:
    """List the deliveries that were given up, or have them made again."""
    module = _later("telling")
    module.dead(module.which(event, name, handler, since, until), again=again)


@events.command()
def catalog() -> None:
    """Print every event that the enabled plugins tell of, with its JSON schema."""
    _later("telling").print_catalog()


@db.command()
def upgrade(
    wait: Annotated[
        float, typer.Option(help="Seconds to go on trying while others hold the tables.")
    ] = 60,
) -> None:
    """Create or change the tables of the core and of all enabled plugins."""
    _later("migrating").upgrade(wait)


@db.command()
def status() -> None:
    """Say of each lineage where the database stands and where the code is."""
    _later("migrating").status()


@db.command()
def revision(
    message: Annotated[str, typer.Option("--message", "-m", help="What changes.")],
    plugin: Plugin = "core",
) -> None:
    """Write a migration that brings the tables to what the models say."""
    _later("migrating").revision(plugin, message)


@plugins.callback()
def list_plugins(context: typer.Context) -> None:
    """List the plugins: what they are, whether they run, and what they add."""
    if context.invoked_subcommand is None:
        _later("listing").plugins()


@plugins.command("hooks")
def print_hooks() -> None:
    """Print every hook and event that the enabled plugins offer, with exact signatures."""
    _later("hooks").hooks()


@plugins.command()
def show(name: Annotated[str, typer.Argument(help="An enabled plugin.")]) -> None:
    """Print all that a plugin adds: options, types, fields, mutations, events, hooks."""
    _later("showing").show(name)


@plugins.command()
def purge(
    name: Annotated[str, typer.Argument(help="A plugin that is not enabled, or gone.")],
    export: Annotated[
        Path | None, typer.Option(help="Write the rows of its tables into this file first.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take out of the database what a plugin has left there, for ever."""
    _later("purging").purge(name, export, yes=yes)


@new.command("app")
def new_app(
    name: Annotated[str, typer.Argument(help="The company, in small letters, such as acme.")],
) -> None:
    """Make a folder with settings, a plugin of your own, its tests, and how to run it all."""
    _later("making").new_app(name)


@new.command("plugin")
def new_plugin(
    name: Annotated[str, typer.Argument(help="Its name, in small letters, such as surveys.")],
) -> None:
    """Make a plugin: in a company's repository one of its own, elsewhere a distribution."""
    _later("making").new_plugin(name)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
) -> None:
    """Save the database, as it is at this moment, into one file; servers go on."""
    _later("saving").backup(file)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What crmkit backup has made.")],
    replace: Annotated[bool, typer.Option("--replace", help="What is there now is lost.")] = False,
) -> None:
    """Put a backup into an empty database, and count again all that it holds."""
    _later("saving").restore(file, replacing=replace)


@app.command()
def verify() -> None:
    """Count again what is kept as a result, such as balances, and say what disagrees."""
    _later("verifying").verify()


@audit.command("verify")
def verify_audit(
    head: Annotated[
        Path | None,
        typer.Option(help="What crmkit audit export made: its end must still be there."),
    ] = None,
) -> None:
    """Compare every entry, every seal and the end of the chain with what was written."""
    _later("auditing").verify(head)


@audit.command("export")
def export_audit(
    file: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
) -> None:
    """Seal what waits, and write all entries and the head of the chain into a file."""
    _later("auditing").export(file)


@app.command()
def doctor() -> None:
    """Look for what is wrong, and say of each thing what cures it."""
    _later("doctor").doctor()


@schema.command("print")
def print_schema(
    room: Annotated[
        str | None, typer.Option(help="Only what this room or plugin adds, such as loyalty.")
    ] = None,
) -> None:
    """Print the schema in GraphQL's own language."""
    _later("listing").print_schema(room)


@schema.command()
def check(
    old: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The schema that clients know.")
    ],
) -> None:
    """Say what clients of an older schema would notice; fail if something of theirs breaks."""
    _later("checking").check_schema(old)


@schema.command()
def explain(
    operation: Annotated[str, typer.Argument(help="A query or mutation, as it would be sent.")],
    variables: Annotated[str, typer.Option(help="Its variables, as JSON.")] = "{}",
) -> None:
    """Say what an operation asks of the database, and where each field comes from."""
    _later("explaining").explain_operation(operation, variables)


@permissions.command("list")
def list_permissions() -> None:
    """List every permission, and the roles of every app that begin with it."""
    _later("permitting").permissions()


@permissions.command("explain")
def explain_permissions(
    actor: Annotated[
        str, typer.Argument(help="The mail of a user, the key of a role, or: public.")
    ],
    operation: Annotated[str, typer.Argument(help="A query or mutation, as it would be sent.")],
    variables: Annotated[str, typer.Option(help="Its variables, as JSON.")] = "{}",
) -> None:
    """Say of all that an operation names what it takes, and which role grants or refuses it."""
    _later("permitting").explain(actor, operation, variables)


@user.command("invite")
def invite_user(
    name: Annotated[str, typer.Argument(help="What colleagues call them.")],
    mail: Annotated[str, typer.Argument(help="Their address at work.")],
    role: Annotated[list[str] | None, typer.Option(help="A role that they have.")] = None,
    team: Annotated[str | None, typer.Option(help="The team that they stand in.")] = None,
) -> None:
    """Add a colleague, and print what they choose a password with."""
    _later("accounts").invite(name, mail, role or (), team)


@user.command("reset")
def reset_user(mail: Annotated[str, typer.Argument(help="Whose password it is.")]) -> None:
    """Print what a colleague chooses a new password with."""
    _later("accounts").reset(mail)


@user.command("list")
def list_users() -> None:
    """List the colleagues, with their roles."""
    _later("accounts").users()


@user.command("deactivate")
def deactivate_user(mail: Annotated[str, typer.Argument(help="Who leaves.")]) -> None:
    """Let a colleague in no longer: keys, sessions and links end."""
    _later("accounts").deactivate(mail)


@token.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    user: Annotated[str | None, typer.Option(help="The mail of whom it speaks for.")] = None,
    service: Annotated[str | None, typer.Option(help="Or the service that it is of.")] = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="All that it may; unsaid, what its user may.")
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="Where it comes from, such as 203.0.113.0/24.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="After which it ends.", min=1)] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="It changes nothing.")] = False,
) -> None:
    """Make a key, and print it: nobody is told again."""
    _later("accounts").create(
        name, user, service, permission or (), network or (), days, read_only=read_only
    )


@token.command("list")
def list_tokens() -> None:
    """List the keys, and when they were used last."""
    _later("accounts").tokens()


@token.command("revoke")
def revoke_token(id: Annotated[str, typer.Argument(help="Which key, such as api_key_….")]) -> None:
    """End a key."""
    _later("accounts").revoke(id)


@privacy.command("export")
def export_person(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id of a customer.")],
    to: Annotated[Path | None, typer.Option(help="A file; else it is shown.")] = None,
) -> None:
    """Hand over all that is known of a customer, as JSON."""
    _later("forgetting").export(id_, to)


@privacy.command("erase")
def erase_person(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id of a customer.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a customer for ever; a run that was broken off is gone on with."""
    _later("forgetting").erase(id_, yes=yes)


@app.command("import")
def import_file(
    kind: Annotated[str, typer.Argument(help="What the file holds, such as orders.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file.")],
    source: Annotated[str, typer.Option(help="The key of the system that the file is from.")],
    currency: Annotated[
        str | None, typer.Option(help="Of its amounts; else the organisation's.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Else it is found out.")] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where broken rows go; else beside you, by its name.")
    ] = None,
) -> None:
    """Take in a file; a second run changes nothing."""
    _later("importing").import_file(kind, file, source, currency, encoding, rejects)


def _later(module: str) -> Any:
    # Settings and schema take a second to import, for which `--help` should not wait.
    with without_collecting():
        return import_module(f"crmkit.cli.{module}")
