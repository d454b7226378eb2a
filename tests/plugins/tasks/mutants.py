"""Rules of tasks, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "plugins/crmkit_tasks/service/tasks.py": (
        Broken(
            "only open tasks change",
            "    if before.state is not TaskState.OPEN:",
            "    if False:",
        ),
        Broken(
            "a stale version is a conflict",
            "    if draft.input.version not in (None, before.version):",
            "    if False:",
        ),
        Broken(
            "nobody gives a task to who has left",
            "        if draft.input.assignee_id and draft.input.assignee_id not in there:",
            "        if False:",
        ),
    ),
    "plugins/crmkit_tasks/service/closing.py": (
        Broken(
            "an outcome moves the customer",
            "        await sdk.customers.move(context, inputs)",
            "        pass",
        ),
        Broken(
            "an outcome can be an interaction",
            "    told = [draft for draft in drafts if draft.input.interaction]",
            "    told = []",
        ),
    ),
    "plugins/crmkit_tasks/service/cadence.py": (
        Broken(
            "a task that no rule wants any more is cancelled",
            "        close(context, task.id, TaskState.CANCELLED)",
            "        pass",
        ),
        Broken(
            "a contact moves the task of a rule",
            "    if counted_from == task.counted_from:",
            "    if True:",
        ),
        Broken(
            "who closes a task without contact skips a time",
            "        skipped = max(before.due_at, context.clock.now())",
            "        skipped = None",
        ),
    ),
    "plugins/crmkit_tasks/config.py": (
        Broken(
            "months end where they end",
            "    return date(years, month + 1, min(start.day, last))",
            "    return date(years, month + 1, min(start.day, 28))",
        ),
        Broken(
            "days are days of the calendar",
            "        return datetime.combine(day, self.at, zone).astimezone(UTC)",
            "        return datetime.combine(day, self.at, UTC)",
        ),
        Broken(
            "a rule is for its stages",
            "        return (not self.stages or stage in self.stages) and (",
            "        return True and (",
        ),
        Broken(
            "a rule is for its grades",
            "            not self.grades or grade in self.grades",
            "            True",
        ),
    ),
}
