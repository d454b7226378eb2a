"""What tests of tasks say again and again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_tasks import service
from tests.plugins.shop import add_customer

if TYPE_CHECKING:
    from crmkit.testing import Trial

TASK = """id subject dueAt overdue state closedAt outcome rule assignee { name }
  interaction { id subject body channel { key } cause { id } }
  cause { id } customer { id }"""


def at(text: str) -> str:
    """A moment as answers write it."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def mutation(verb: str, fields: str) -> str:
    kind = f"{verb[0].upper()}{verb[1:]}Input"
    return f"mutation ($input: {kind}!) {{ {verb}(input: $input) {{ {fields} }} }}"


async def do(t: Trial, verb: str, **given: Any) -> dict[str, Any]:
    """Does something with a task and returns the task."""
    done = await t.gql(mutation(verb, f"task {{ {TASK} }}"), input=given)
    return dict(done[verb]["task"])


async def refusal(t: Trial, verb: str, **given: Any) -> dict[str, Any]:
    """What is said of something that cannot be done."""
    [error] = await t.errors(mutation(verb, "task { id }"), input=given)
    return dict(error["extensions"])


async def create(t: Trial, customer: str, **given: Any) -> dict[str, Any]:
    due = {"subject": "Call back", "dueAt": "2026-01-10T09:00:00Z"}
    return await do(t, "createTask", customerId=customer, **{**due, **given})


async def tasks(t: Trial, **where: Any) -> list[dict[str, Any]]:
    """The tasks of which this holds, by the time they are due."""
    found = await t.gql(
        f"query ($where: TaskWhere) {{ tasks(where: $where) {{ nodes {{ {TASK} }} }} }}",
        where=where or None,
    )
    return list(found["tasks"]["nodes"])


async def open_tasks(t: Trial, customer: str) -> dict[str, dict[str, Any]]:
    """The open tasks that rules want of a customer, by rule; never two of one."""
    where = {"state": {"eq": "OPEN"}, "customer": {"id": {"eq": customer}}}
    found = [each for each in await tasks(t, **where) if each["rule"]]
    by_rule = {each["rule"]: each for each in found}
    assert len(found) == len(by_rule)
    return by_rule


async def dues(t: Trial, customer: str) -> dict[str, str]:
    return {rule: each["dueAt"] for rule, each in (await open_tasks(t, customer)).items()}


async def arrive(t: Trial, name: str = "Anna") -> str:
    """A new customer, of whom the rules have heard."""
    customer = await add_customer(t, name)
    await t.drain()
    return customer


async def contact(t: Trial, customer: str, **given: Any) -> str:
    """Something said to a customer, of which the rules have heard."""
    said = {"channel": "phone", "direction": "OUTBOUND", "kind": "call", **given}
    done = await t.gql(
        mutation("recordInteraction", "interaction { id }"), input={"customerId": customer, **said}
    )
    await t.drain()
    return str(done["recordInteraction"]["interaction"]["id"])


async def stage(t: Trial, key: str) -> str:
    found = await t.gql(
        "query ($key: String!) { stages(where: {key: {eq: $key}}) { nodes { id } } }", key=key
    )
    return str(found["stages"]["nodes"][0]["id"])


async def move(t: Trial, customer: str, key: str) -> None:
    """Moves a customer, of which the rules hear."""
    given = {"id": customer, "stageId": await stage(t, key)}
    await t.gql(mutation("moveCustomer", "customer { id }"), input=given)
    await t.drain()


async def add_user(t: Trial, name: str, *, active: bool = True) -> str:
    """A colleague, or one who has left."""
    users = t.host.loaded["core"]
    model = next(each.info["model"] for each in users.tables if each.name == "app_user")
    row = model(name=name, mail=f"{name.lower()}@example.com", active=active)

    async def body(context: Any) -> None:
        context.write.add(row)

    await t.unit(body)
    return str(row.id)


async def plan(t: Trial) -> service.Planned:
    """What `crmkit tasks plan` does."""

    async def body(context: Any) -> service.Planned:
        done = service.Planned()
        async for part in service.plan(context):
            done += part
        return done

    made: service.Planned = await t.unit(body, plugin="tasks")
    return made


async def settle(t: Trial, customer: str) -> None:
    """What a handler does, told once more."""

    async def body(context: Any) -> None:
        await service.follow(context, [sdk.CustomersMoved(customer, (customer,), (), ())])

    await t.unit(body, plugin="tasks")
