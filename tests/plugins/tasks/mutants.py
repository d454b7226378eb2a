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
            "test_bad_inputs.py::test_bad_inputs_are_named_and_change_nothing",
        ),
        Broken(
            "a stale version is a conflict",
            "    if draft.input.version not in (None, before.version):",
            "    if False:",
            "test_bad_inputs.py::test_bad_inputs_are_named_and_change_nothing",
        ),
        Broken(
            "nobody gives a task to who has left",
            "        if draft.input.assignee_id and draft.input.assignee_id not in there:",
            "        if False:",
            "test_bad_inputs.py::test_bad_inputs_are_named_and_change_nothing",
        ),
    ),
    "plugins/crmkit_tasks/service/closing.py": (
        Broken(
            "an outcome moves the customer",
            "        await sdk.customers.move(context, inputs)",
            "        pass",
            "test_bad_inputs.py::test_bad_inputs_are_named_and_change_nothing",
        ),
        Broken(
            "an outcome can be an interaction",
            "    told = [draft for draft in drafts if draft.input.interaction]",
            "    told = []",
            "test_bad_inputs.py::test_bad_inputs_are_named_and_change_nothing",
        ),
    ),
    "plugins/crmkit_tasks/service/cadence.py": (
        Broken(
            "a task that no rule wants any more is cancelled",
            "        close(context, task.id, TaskState.CANCELLED)",
            "        pass",
            "test_graded.py::test_another_grade_has_other_tasks",
        ),
        Broken(
            "a contact moves the task of a rule",
            "    if counted_from == task.counted_from:",
            "    if True:",
            "test_planning.py::test_a_rule_that_changes_decides_from_the_next_contact_on",
        ),
        Broken(
            "who closes a task without contact skips a time",
            "        skipped = max(before.due_at, context.clock.now())",
            "        skipped = None",
            "test_rules.py::test_who_gives_up_a_task_skips_one_time_and_the_calendar_goes_on",
        ),
    ),
    "plugins/crmkit_tasks/config.py": (
        Broken(
            "months end where they end",
            "    return date(years, month + 1, min(start.day, last))",
            "    return date(years, month + 1, min(start.day, 28))",
            "test_rules.py::test_who_gives_up_a_task_skips_one_time_and_the_calendar_goes_on",
        ),
        Broken(
            "days are days of the calendar",
            "        return datetime.combine(day, self.at, zone).astimezone(UTC)",
            "        return datetime.combine(day, self.at, UTC)",
            "test_rules.py::test_a_new_customer_has_one_task_of_each_rule_of_the_stage",
        ),
        Broken(
            "a rule is for its stages",
            "        return (not self.stages or stage in self.stages) and (",
            "        return True and (",
            "test_rules.py::test_a_new_customer_has_one_task_of_each_rule_of_the_stage",
        ),
        Broken(
            "a rule is for its grades",
            "            not self.grades or grade in self.grades",
            "            True",
            "test_graded.py::test_a_rule_is_for_customers_of_its_grades",
        ),
    ),
}
