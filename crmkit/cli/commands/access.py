"""`crmkit permissions`, `user` and `token`: who may do what, and by what they are known."""

from __future__ import annotations

from typing import Annotated

import typer

from crmkit.cli.later import later

permissions = typer.Typer(no_args_is_help=True, help="Look at who may do what.")
user = typer.Typer(no_args_is_help=True, help="Let colleagues in, and out.")
token = typer.Typer(no_args_is_help=True, help="Give programs keys, and end them.")


@permissions.command("list")
def list_permissions() -> None:
    """List every permission, and the roles of every app that begin with it."""
    later("permitting").permissions()


@permissions.command("explain")
def explain_permissions(
    actor: Annotated[
        str, typer.Argument(help="The mail of a user, the key of a role, or: public.")
    ],
    operation: Annotated[str, typer.Argument(help="A query or mutation, as it would be sent.")],
    variables: Annotated[str, typer.Option(help="Its variables, as JSON.")] = "{}",
) -> None:
    """Say of all that an operation names what it takes, and which role grants or refuses it."""
    later("permitting").explain(actor, operation, variables)


@user.command("invite")
def invite_user(
    name: Annotated[str, typer.Argument(help="What colleagues call them.")],
    mail: Annotated[str, typer.Argument(help="Their address at work.")],
    role: Annotated[list[str] | None, typer.Option(help="A role that they have.")] = None,
    team: Annotated[str | None, typer.Option(help="The team that they stand in.")] = None,
) -> None:
    """Add a colleague, and print what they choose a password with."""
    later("accounts").invite(name, mail, role or (), team)


@user.command("reset")
def reset_user(mail: Annotated[str, typer.Argument(help="Whose password it is.")]) -> None:
    """Print what a colleague chooses a new password with."""
    later("accounts").reset(mail)


@user.command("list")
def list_users() -> None:
    """List the colleagues, with their roles."""
    later("accounts").users()


@user.command("deactivate")
def deactivate_user(mail: Annotated[str, typer.Argument(help="Who leaves.")]) -> None:
    """Let a colleague in no longer: keys, sessions and links end."""
    later("accounts").deactivate(mail)


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
    later("accounts").create(
        name, user, service, permission or (), network or (), days, read_only=read_only
    )


@token.command("list")
def list_tokens() -> None:
    """List the keys, and when they were used last."""
    later("accounts").tokens()


@token.command("revoke")
def revoke_token(id: Annotated[str, typer.Argument(help="Which key, such as api_key_….")]) -> None:
    """End a key."""
    later("accounts").revoke(id)
