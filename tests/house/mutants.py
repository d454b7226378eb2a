"""`make mutants`: small mutations of the rules, each of which a test has to notice.

A mutant is one rule, broken in one place. The house is copied, broken and tested with the
tests of that room until the first fails, which is the test that kills the mutant. A rule
whose mutant survives has no test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.oracle.mutants import ENGINE

ROOT = Path(__file__).parents[2]
COPIED = ("crmkit", "plugins", "tests", "migrations", "examples", "pyproject.toml", "alembic.ini")

_DEADLINE = 600  # seconds; a mutant that makes its tests run on for ever is killed as well
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_OUT = Console(highlight=False)


@dataclass(frozen=True)
class Mutant:
    """A rule, the line that says it, what the line says instead, and whose tests must notice."""

    rule: str
    file: str
    line: str
    instead: str
    tests: str


def _of(room: str, file: str, tests: str, *mutants: tuple[str, str, str]) -> tuple[Mutant, ...]:
    return tuple(
        Mutant(rule, f"{room}/{file}", line, instead, tests) for rule, line, instead in mutants
    )


REFERRALS = _of(
    "plugins/crmkit_referrals",
    "service.py",
    "tests/plugins/referrals",
    (
        "nobody refers himself at sign-up",
        "        if _is_one(places, pair):",
        "        if False:",
    ),
    (
        "nobody refers himself afterwards",
        "    if pair.advocate_id == pair.friend_id or _is_one(places, pair):",
        "    if False:",
    ),
    ("chains have no cycles", "    if root == pair.friend_id:", "    if False:"),
    (
        "a friend comes through one advocate",
        "    if await context.rules(repository.attributed(pair.friend_id)):",
        "    if False:",
    ),
    (
        "who has bought is no new customer",
        "    if orders and await context.rules(repository.any_order(friend_id, orders.OrderRow)):",
        "    if False:",
    ),
    (
        "attribution ends",
        "    if context.clock.now() - came_at > timedelta(days=days):",
        "    if False:",
    ),
    (
        "an unknown code is refused",
        "        if codes.folded(code) not in known:",
        "        if False:",
    ),
    (
        "addresses that came later count",
        "    if _is_one(places, step):",
        "    if False:",
    ),
    (
        "a cap is a cap",
        "    return ReferralFault.CAP_REACHED if cap is not None and count >= cap else None",
        "    return ReferralFault.CAP_REACHED if cap is not None and count > cap else None",
    ),
    (
        "the friend is rewarded too",
        "    loyalty.grant(context, step.friend_id, friend_points, cause_id=step.id)",
        "    pass",
    ),
    (
        "a refund takes the points back",
        "        await loyalty.reverse(context, ids)",
        "        pass",
    ),
    (
        "a reversal makes room under the cap",
        "        context.write.change(Advocate, advocate_id, add={Advocate.qualified: -1})",
        "        pass",
    ),
)
CODES = _of(
    "plugins/crmkit_referrals",
    "codes.py",
    "tests/plugins/referrals",
    (
        "codes have no look-alike characters",
        'ALPHABET = "34679ACDEFGHJKMNPQRTWXY"',
        'ALPHABET = "034679ACDEFGHJKMNPQRTWXY"',
    ),
    (
        "a code is the same however it is typed",
        '    return "".join(each for each in normalize("NFKC", given).upper() if each.isalnum())',
        "    return given",
    ),
)
DESK = _of(
    "plugins/crmkit_feedback",
    "service/desk.py",
    "tests/plugins/feedback",
    (
        "who solves a ticket answers for it",
        "    if ticket.assignee_id is None:",
        "    if False:",
    ),
    (
        "the customer is told before a ticket is closed",
        "    if ticket.state is TicketState.SOLVED and ticket.told_at is None:",
        "    if False:",
    ),
)
STEPS = _of(
    "plugins/crmkit_feedback",
    "service/steps.py",
    "tests/plugins/feedback",
    (
        "states follow one another as the machine says",
        "    if to not in MOVES[ticket.state]:",
        "    if False:",
    ),
    (
        "a word after the end opens a ticket that follows",
        "        return follow_up(context, ticket, cause_id or ticket.id)",
        "        return ticket.id",
    ),
    (
        "the customer's word reopens what was solved",
        "    if ticket.state in _ANSWERED_BY_CUSTOMERS:",
        "    if ticket.state is TicketState.PENDING:",
    ),
    (
        "the customer's word asks to be told again",
        "    said = {Ticket.told_at: None, Ticket.asked_at: ticket.asked_at or context.clock.now()}",
        "    said = {Ticket.asked_at: ticket.asked_at or context.clock.now()}",
    ),
    (
        "a resolution takes as long as it took",
        "        took = seconds(ticket.created_at, now)",
        "        took = 0",
    ),
)
RATINGS = _of(
    "plugins/crmkit_feedback",
    "service/ratings.py",
    "tests/plugins/feedback",
    (
        "a solution is rated once",
        "    if await repository.is_rated(context, solve_id):",
        "    if False:",
    ),
    (
        "a low score takes the matter up again",
        "    if input.score <= context.config.low_score:",
        "    if input.score < context.config.low_score:",
    ),
)
THREAD = _of(
    "plugins/crmkit_feedback",
    "service/thread.py",
    "tests/plugins/feedback",
    (
        "the first response is the first",
        "    if ticket.asked_at is not None and ticket.first_responded_at is None:",
        "    if ticket.asked_at is not None:",
    ),
    (
        "what we say among ourselves is internal",
        "    staff, internal = TicketAuthor.STAFF, TicketAudience.INTERNAL",
        "    staff, internal = TicketAuthor.STAFF, TicketAudience.PUBLIC",
    ),
)
TASKS = _of(
    "plugins/crmkit_tasks",
    "service/tasks.py",
    "tests/plugins/tasks",
    (
        "only open tasks change",
        "    if before.state is not TaskState.OPEN:",
        "    if False:",
    ),
    (
        "a stale version is a conflict",
        "    if draft.input.version not in (None, before.version):",
        "    if False:",
    ),
    (
        "nobody gives a task to who has left",
        "        if draft.input.assignee_id and draft.input.assignee_id not in there:",
        "        if False:",
    ),
)
CLOSING = _of(
    "plugins/crmkit_tasks",
    "service/closing.py",
    "tests/plugins/tasks",
    (
        "an outcome moves the customer",
        "        await sdk.customers.move(context, inputs)",
        "        pass",
    ),
    (
        "an outcome can be an interaction",
        "    told = [draft for draft in drafts if draft.input.interaction]",
        "    told = []",
    ),
)
WANTED = _of(
    "plugins/crmkit_tasks",
    "service/cadence.py",
    "tests/plugins/tasks",
    (
        "a task that no rule wants any more is cancelled",
        "        close(context, task.id, TaskState.CANCELLED)",
        "        pass",
    ),
    (
        "a contact moves the task of a rule",
        "    if counted_from == task.counted_from:",
        "    if True:",
    ),
    (
        "who closes a task without contact skips a time",
        "        skipped = max(before.due_at, context.clock.now())",
        "        skipped = None",
    ),
)
CADENCE = _of(
    "plugins/crmkit_tasks",
    "config.py",
    "tests/plugins/tasks",
    (
        "months end where they end",
        "    return date(years, month + 1, min(start.day, last))",
        "    return date(years, month + 1, min(start.day, 28))",
    ),
    (
        "days are days of the calendar",
        "        return datetime.combine(day, self.at, zone).astimezone(UTC)",
        "        return datetime.combine(day, self.at, UTC)",
    ),
    (
        "a rule is for its stages",
        "        return (not self.stages or stage in self.stages) and (",
        "        return True and (",
    ),
    (
        "a rule is for its grades",
        "            not self.grades or grade in self.grades",
        "            True",
    ),
)
LOYALTY = _of(
    "plugins/crmkit_loyalty",
    "service.py",
    "tests/plugins/loyalty",
    (
        "nobody spends what is not there",
        "        at_least=0 if spends else None,",
        "        at_least=None,",
    ),
    (
        "what is taken back was earned",
        "        back = min(points, max(left[customer_id], 0)) if forgiving else points",
        "        back = points + 1",
    ),
    (
        "an order earns points",
        "            grant(context, order.customer_id, points, cause_id=order.id)",
        "            pass",
    ),
)
ORDERS = _of(
    "plugins/crmkit_orders",
    "service.py",
    "tests/plugins/orders",
    (
        "an order is refunded once",
        "        if placed.pop(draft.input.order_id, OrderState.REFUNDED) is OrderState.REFUNDED:",
        "        if False:",
    ),
    (
        "of two refunds at one time one passes",
        "        guard=OrderRow.state == OrderState.PLACED,",
        "        guard=OrderRow.id != '',",
    ),
)
MOVES = _of(
    "crmkit/customers",
    "service/moves.py",
    "tests/customers",
    (
        "customers move as the ladder allows",
        "        if row is not None and (row.stage_id, each.input.stage_id) not in allowed:",
        "        if False:",
    ),
    (
        "who leaves a stage has left it",
        "        set={models.StageStay.left_at: context.clock.now()},",
        "        set={models.StageStay.reason: None},",
    ),
)

GRADING = _of(
    "plugins/crmkit_grading",
    "scoring.py",
    "tests/plugins/grading",
    (
        "what limits take is a contribution",
        "        shares += _limit(group, _sum(shares), config.limits_of(group))",
        "        pass",
    ),
    (
        "who is disqualified has the least score",
        "        rest = config.limits.min - _sum(shares)",
        "        rest = 0",
    ),
    (
        "a rule has a cap",
        "        parts = min(parts, (self.rule.cap or MOST) * WHOLE)",
        "        parts = min(parts, MOST * WHOLE)",
    ),
    (
        "points fade",
        "            (min(times, most) if most else times) * self.rule.share(day - each)",
        "            (min(times, most) if most else times) * WHOLE",
    ),
    (
        "a grade is held against flapping",
        "    if reached and held and held.at_least - hysteresis <= points < held.at_least:",
        "    if False:",
    ),
)
REGRADING = _of(
    "plugins/crmkit_grading",
    "service/grading.py",
    "tests/plugins/grading",
    (
        "a change of score is history",
        "        context.write.add(*changes)",
        "        pass",
    ),
    (
        "a dry run changes nothing",
        "        if not dry:",
        "        if True:",
    ),
)
TAGS = _of(
    "crmkit/tags",
    "service.py",
    "tests/tags",
    (
        "a retired tag is pinned to nobody new",
        "        if tag.is_retired:",
        "        if False:",
    ),
    (
        "a tag is pinned once",
        "        if tag is None or tag.id in own:",
        "        if tag is None:",
    ),
    (
        "a customer has so many tags",
        "    if len(own) > models.MOST:",
        "    if False:",
    ),
)
TIMELINES = _of(
    "crmkit/engine",
    "timelines.py",
    "tests/timelines",
    (
        "a chain ends where the actor may not read",
        "            if isinstance(each.source, f.Cause) and self.registry.spec(cls).read not in refused",
        "            if isinstance(each.source, f.Cause)",
    ),
)
FIELDS = _of(
    "crmkit/host",
    "field_tables.py",
    "tests/cli/test_fields.py",
    (
        "a change of type that loses values is refused",
        "        if sentences := _blocked(steps):",
        "        if sentences := ():",
    ),
)
BUGS = tuple(
    Mutant(rule, file, line, instead, "tests/oracle")
    for file, bugs in ENGINE.items()
    for rule, line, instead in bugs
)

MUTANTS: tuple[Mutant, ...] = (
    *REFERRALS,
    *CODES,
    *DESK,
    *STEPS,
    *RATINGS,
    *THREAD,
    *TASKS,
    *CLOSING,
    *WANTED,
    *CADENCE,
    *LOYALTY,
    *ORDERS,
    *MOVES,
    *GRADING,
    *REGRADING,
    *TAGS,
    *TIMELINES,
    *FIELDS,
    *BUGS,
)


def broken(mutant: Mutant, root: Path) -> str:
    """The text of the mutant's file with the rule broken.

    Raises:
        ValueError: The line that says the rule is not there, or not once.
    """
    lines = (root / mutant.file).read_text(encoding="utf-8").split("\n")
    if lines.count(mutant.line) != 1:
        raise ValueError(f"{mutant.file} has {lines.count(mutant.line)} lines {mutant.line!r}")
    return "\n".join(mutant.instead if each == mutant.line else each for each in lines)


def killer(mutant: Mutant, root: Path) -> str | None:
    """Breaks the rule in the copy, and names the first test that notices; none if it survives."""
    file = root / mutant.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(broken(mutant, root), encoding="utf-8")
    try:
        return _first_failure(mutant.tests, root)
    finally:
        file.write_text(whole, encoding="utf-8")


def _first_failure(tests: str, root: Path) -> str | None:
    paths = os.pathsep.join(str(root / each) for each in (".", "plugins"))
    command = [sys.executable, "-B", "-m", "pytest", "-n", "0", "-x", "-q", "-rfE", "--tb=no"]
    try:
        done = subprocess.run(
            [*command, tests],
            cwd=root,
            env={**os.environ, "PYTHONPATH": paths, "CRMKIT_MUTANT": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_DEADLINE,
        )
    except subprocess.TimeoutExpired:
        return "the deadline"
    if done.returncode == 0:
        return None
    found = _FAILED.search(done.stdout)
    if found is None:
        raise RuntimeError(f"pytest fails without a test:\n{done.stdout[-2000:]}{done.stderr}")
    return found.group(1)


def main(wanted: str = "") -> int:
    """Tries every mutant whose file or rule contains what is wanted; returns how many survive."""
    chosen = [each for each in MUTANTS if wanted in each.file or wanted in each.rule]
    survivors: list[Mutant] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        root = Path(folder)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, root / name)
        for mutant in track(chosen, "Breaking rules …", console=_OUT):
            test = killer(mutant, root)
            survivors += [] if test else [mutant]
            _OUT.print(f"{mutant.rule}: {test or '[red]nobody[/] notices'}", soft_wrap=True)
    _OUT.print(f"{len(chosen)} mutants, {len(survivors)} survive")
    for each in survivors:
        _OUT.print(f"[red]{each.file}[/]: {each.rule}", soft_wrap=True)
    return len(survivors)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:2]))
