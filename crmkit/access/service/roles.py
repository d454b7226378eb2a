"""What roles allow, and who has them; nobody gives what he has not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from crmkit.access import errors, models, types
from crmkit.access.repository import roles as repository
from crmkit.access.repository.roles import KnownRole
from crmkit.engine.mutation_inputs import UNSET
from crmkit.engine.mutations import mutation
from crmkit.engine.nodes import ref
from crmkit.engine.queries import query
from crmkit.host.actors import Grant
from crmkit.host.context import Context
from crmkit.host.drafts import Draft, Outcome
from crmkit.values.errors import ErrorCode, NotFound, Problem, combined, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crmkit.host.host import Host

_SCOPES = {"sales": "team"}
_NAMES = {"read_only": "Read only", "public_form": "Public form", "public": "Not signed in"}
_FIXED = ("admin", "public")


@query(permission=None)
async def me(context: Context[Any]) -> types.Me:
    """Who asks, and what he may."""
    actor = context.actor
    team = actor.values.get("team")
    everything = context.host.rights.permissions if actor.rights.is_unlimited else ()
    return types.Me(
        kind=actor.kind,
        user=ref(types.User, actor.id) if actor.kind == "user" else None,
        team=ref(types.Team, team) if team else None,
        permissions=sorted(everything or actor.rights.permissions),
        hidden_fields=sorted(actor.rights.hidden),
    )


async def grants_of(host: Host, user_id: str) -> list[Grant]:
    """What the roles of a user give."""
    return [granted(host, each) for each in await repository.of_user(host.database, user_id)]


async def grants_of_role(host: Host, key: str) -> list[Grant]:
    """What the role of this key gives, such as `public`."""
    return [granted(host, each) for each in await repository.named(host.database, key)]


async def grants_by_role(host: Host, name: str) -> dict[str, Grant] | None:
    """What a user of this mail, or the role of this key, is granted, by the keys of roles."""
    user = await repository.user_of(host.database, name)
    if user is not None:
        roles = await repository.of_user(host.database, user)
    elif not (roles := await repository.named(host.database, name)):
        return None
    return {each.key: granted(host, each) for each in roles}


def granted(host: Host, role: KnownRole) -> Grant:
    """What a role gives in this app, with the permissions of its preset."""
    of_preset = host.loaded.presets.get(role.preset or "", frozenset())
    permissions = of_preset.union(role.permissions)
    return Grant(permissions, role.scope, frozenset(role.hidden_fields))


async def add_presets(context: Context[Any]) -> None:
    """Adds the roles that every app begins with, unless there are roles."""
    if await repository.is_any(context):
        return
    for key in context.host.loaded.presets:
        name = _NAMES.get(key, key.capitalize())
        row = models.Role(key=key, name=name, preset=key, scope=_SCOPES.get(key, "all"))
        context.write.add(row)


@mutation(permission="core.role.create", bulk="createRoles")
async def create_roles(
    context: Context[Any], drafts: Sequence[Draft[types.CreateRole, models.Role]]
) -> Sequence[types.CreatedRole]:
    """Adds a role; it gives nothing that its maker has not."""
    for each in drafts:
        role = _asked(each.input)
        _judge(context, each, role, None)
        said = {name: value for name, value in asdict(role).items() if name != "id"}
        context.write.add(each.becomes(models.Role(name=each.input.name.strip(), **said)))
    return [types.CreatedRole(ref(types.Role, each.row.id)) for each in drafts]


@mutation(permission="core.role.update", bulk="updateRoles")
async def update_roles(
    context: Context[Any], drafts: Sequence[Draft[types.UpdateRole, models.Role]]
) -> Sequence[types.UpdatedRole]:
    """Changes what a role allows; whoever has it is allowed just that within seconds."""
    known = await repository.held(context, {each.input.id for each in drafts})
    for each in drafts:
        _update(context, each, known)
    return [types.UpdatedRole(ref(types.Role, each.input.id)) for each in drafts]


@mutation(permission="core.role.delete")
async def delete_role(context: Context[Any], input: types.DeleteRole) -> types.DeletedRole:
    """Deletes a role that nobody has."""
    known = await repository.held(context, {input.id})
    if input.id not in known:
        raise NotFound(f"There is no Role {input.id}.", field="id")
    if known[input.id].key in _FIXED:
        raise errors.RoleStays(known[input.id].key, "id")
    if await repository.is_used(context, input.id):
        raise errors.RoleInUse
    context.write.delete(models.Role, where=repository.role_of(input.id))
    return types.DeletedRole(input.id)


@mutation(permission="core.role.grant", bulk="grantRoles")
async def grant_roles(
    context: Context[Any], drafts: Sequence[Draft[types.GrantRole, models.UserRole]]
) -> Sequence[types.GrantedRole]:
    """Gives a role to a user; nobody gives what he has not."""
    known, have = await _pairs(context, drafts)
    for each in drafts:
        pair = each.input.user_id, each.input.role_id
        _check_own(context, each, known.get(each.input.role_id), "role_id")
        if pair in have:
            each.outcome = Outcome.UNCHANGED
            continue
        row = each.becomes(models.UserRole(user_id=pair[0], role_id=pair[1]))
        context.write.add(row)
        have[pair] = row.id
    return [types.GrantedRole(ref(types.User, each.input.user_id)) for each in drafts]


@mutation(permission="core.role.grant", bulk="revokeRoles")
async def revoke_roles(
    context: Context[Any], drafts: Sequence[Draft[types.RevokeRole, models.UserRole]]
) -> Sequence[types.RevokedRole]:
    """Takes a role from a user; somebody stays who can give it back."""
    known, have = await _pairs(context, drafts)
    gone = []
    for each in drafts:
        role = known.get(each.input.role_id)
        _check_own(context, each, role, "role_id")
        row = have.pop((each.input.user_id, each.input.role_id), None)
        each.outcome = Outcome.UNCHANGED if row is None else Outcome.UPDATED
        gone += [row] if row else []
        if row and role and role.preset == "admin" and not await _others(context, gone):
            context.reject(each, errors.LastAdmin())
    if gone:
        context.write.delete(models.UserRole, where=repository.among(gone))
    return [types.RevokedRole(ref(types.User, each.input.user_id)) for each in drafts]


async def give(context: Context[Any], user_id: str, keys: Sequence[str]) -> None:
    """Gives the roles of these keys to a new user.

    Raises:
        Invalid: There is no such role.
        Forbidden: The actor gives no roles, or has not himself what one of them gives.
    """
    if not keys:
        return
    if not context.actor.may("core.role.grant"):
        raise errors.WiderThanOwn("the permission core.role.grant", "roles")
    known = await repository.of_keys(context, keys)
    for index, key in enumerate(keys):
        if key not in known:
            raise combined([_unknown("role", key, ("roles", index), known)])
        if excess := context.actor.rights.excess(granted(context.host, known[key])):
            raise errors.WiderThanOwn(excess, ("roles", index))
    context.write.add(
        *[models.UserRole(user_id=user_id, role_id=known[key].id) for key in dict.fromkeys(keys)]
    )


async def _others(context: Context[Any], gone: Sequence[str]) -> bool:
    """Whether there is an admin besides those who lose these grants."""
    return await repository.admins(context, but=gone) > 0


async def _pairs(
    context: Context[Any], drafts: Sequence[Draft[Any, Any]]
) -> tuple[Mapping[str, KnownRole], dict[tuple[str, str], str]]:
    """Holds the roles, and says who of the users has which."""
    roles = {each.input.role_id for each in drafts}
    known = await repository.held(context, roles)
    return known, await repository.pairs(context, {each.input.user_id for each in drafts}, roles)


def _update(
    context: Context[Any],
    draft: Draft[types.UpdateRole, models.Role],
    known: Mapping[str, KnownRole],
) -> None:
    given = draft.input
    before = known.get(given.id)
    if before is None:
        context.reject(draft, NotFound(f"There is no Role {given.id}.", field="id"))
        return
    fields = ("preset", "scope", "permissions", "hidden_fields")
    said = {each: getattr(given, each) for each in fields if getattr(given, each) is not UNSET}
    if before.key == "admin" and said:
        context.reject(draft, errors.RoleStays("admin", next(iter(said))))
    _judge(context, draft, replace(before, **said), before)
    news = {getattr(models.Role, each): _listed(value) for each, value in said.items()}
    if given.name is not UNSET:
        news[models.Role.name] = str(given.name).strip()
    draft.outcome = Outcome.UPDATED
    context.write.change(models.Role, given.id, set=news, expect_version=given.version)


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else list(value)


def _asked(given: types.CreateRole) -> KnownRole:
    permissions, hidden = list(given.permissions), list(given.hidden_fields)
    return KnownRole("", given.key, given.preset, given.scope, permissions, hidden)


def _judge(
    context: Context[Any], draft: Draft[Any, Any], role: KnownRole, before: KnownRole | None
) -> None:
    """Says what is wrong with a role, or that it gives what its maker has not."""
    if faults := list(_faults(context.host, role, before)):
        context.reject(draft, combined(faults))
        return
    for each in (role, before):
        _check_own(context, draft, each, "permissions")


def _check_own(
    context: Context[Any], draft: Draft[Any, Any], role: KnownRole | None, field: str
) -> None:
    excess = role and context.actor.rights.excess(granted(context.host, role))
    if excess:
        context.reject(draft, errors.WiderThanOwn(excess, field))


def _faults(host: Host, role: KnownRole, before: KnownRole | None) -> Iterator[Problem]:
    """Names that nobody knows; what a role had of a plugin that is not loaded may stay."""
    presets, scopes = host.loaded.presets, ["all", *host.rights.scopes]
    if role.preset is not None and role.preset not in presets:
        yield _unknown("role of every app", role.preset, ("preset",), presets)
    if role.scope not in scopes and not (before and before.scope == role.scope):
        yield _unknown("row scope", role.scope, ("scope",), scopes)
    had = before or KnownRole("", "", None, "all", (), ())
    for index, each in enumerate(role.permissions):
        if each not in host.rights.permissions and each not in had.permissions:
            known = host.rights.permissions
            yield _unknown("permission", each, ("permissions", index), known)
    for index, each in enumerate(role.hidden_fields):
        if not host.rights.hideable(each) and each not in had.hidden_fields:
            yield _unknown("field to hide", each, ("hidden_fields", index), ())


def _unknown(kind: str, name: str, field: tuple[str | int, ...], known: Iterable[str]) -> Problem:
    message = f"There is no {kind} {name[:80]!r}{nearest(name, known)}."
    return Problem(field, ErrorCode.INVALID, message)
