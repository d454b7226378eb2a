"""What tests of grading say again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkit.testing import Trial

GRADED = """score fitScore engagementScore grade gradedAt gradeChangesAt
  grading { score fit engagement grade { key } changesAt rules
    contributions { rule group points evidenceCount endsAt evidence { id } } }
  gradeHistory { nodes { oldScore newScore oldGrade newGrade reason rules cause { id } } }"""


def mutation(verb: str, fields: str) -> str:
    kind = f"{verb[0].upper()}{verb[1:]}Input"
    return f"mutation ($input: {kind}!) {{ {verb}(input: $input) {{ {fields} }} }}"


async def arrive(t: Trial, name: str = "Anna", **given: Any) -> str:
    """A new customer, who has been graded."""
    made = await t.gql(mutation("createCustomer", "customer { id }"), input={"name": name, **given})
    await t.drain()
    return str(made["createCustomer"]["customer"]["id"])


async def talk(t: Trial, customer: str, **given: Any) -> str:
    """Something that a customer has said, of which the rules have heard."""
    said = {"channel": "phone", "direction": "INBOUND", "kind": "call", **given}
    made = await t.gql(
        mutation("recordInteraction", "interaction { id }"), input={"customerId": customer, **said}
    )
    await t.drain()
    return str(made["recordInteraction"]["interaction"]["id"])


async def graded(t: Trial, customer: str) -> dict[str, Any]:
    """All that is said of a customer's grade; what sums up to the score does so exactly."""
    document = f"query ($id: ID!) {{ node(id: $id) {{ ... on Customer {{ {GRADED} }} }} }}"
    found = dict((await t.gql(document, id=customer))["node"])
    points = [each["points"] for each in found["grading"]["contributions"]]
    assert sum(points) == found["grading"]["score"]
    return found


async def points(t: Trial, customer: str) -> dict[str | None, int]:
    """What each rule gives a customer now; nothing stands for limits."""
    found = (await graded(t, customer))["grading"]["contributions"]
    return {each["rule"]: each["points"] for each in found}


async def score(t: Trial, customer: str) -> tuple[int, str | None]:
    """The score and the grade of a customer as they were last counted."""
    found = await graded(t, customer)
    return found["score"], found["grade"]


async def regrade(t: Trial, **given: Any) -> int:
    """Has customers graded again and says how many there were."""
    done = await t.gql(mutation("regradeCustomers", "customers"), input=given)
    await t.drain()
    return int(done["regradeCustomers"]["customers"])
