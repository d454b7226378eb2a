"""Rules of referrals, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "plugins/crmkit_referrals/service/registrations.py": (
        Broken(
            "nobody refers himself at sign-up",
            "        if is_one(places, pair):",
            "        if False:",
            "test_attribution.py::test_nobody_refers_themselves_under_another_address",
        ),
        Broken(
            "nobody refers himself afterwards",
            "    if pair.advocate_id == pair.friend_id or is_one(places, pair):",
            "    if False:",
            "test_attribution.py::test_nobody_refers_themselves_under_another_address",
        ),
        Broken(
            "chains have no cycles",
            "    if root == pair.friend_id:",
            "    if False:",
            "test_attribution.py::test_nobody_is_referred_by_whom_they_brought",
        ),
        Broken(
            "a friend comes through one advocate",
            "    if await context.rules(repository.attributed(pair.friend_id)):",
            "    if False:",
            "test_attribution.py::test_of_two_codes_the_first_counts",
        ),
        Broken(
            "who has bought is no new customer",
            "    if orders and await context.rules(repository.any_order(friend_id, orders.OrderRow)):",
            "    if False:",
            "test_attribution.py::test_whoever_has_bought_was_brought_by_nobody",
        ),
        Broken(
            "attribution ends",
            "    if context.clock.now() - came_at > timedelta(days=days):",
            "    if False:",
            "test_attribution.py::test_an_advocate_can_be_named_for_thirty_days",
        ),
        Broken(
            "an unknown code is refused",
            "        if codes.folded(code) not in known:",
            "        if False:",
            "test_codes.py::test_a_code_that_nobody_has_is_refused_with_its_field",
        ),
    ),
    "plugins/crmkit_referrals/service/rewards.py": (
        Broken(
            "addresses that came later count",
            "    if is_one(places, step):",
            "    if False:",
            "test_rewards.py::test_who_turns_out_to_be_the_advocate_is_rejected",
        ),
        Broken(
            "a cap is a cap",
            "    return ReferralFault.CAP_REACHED if cap is not None and count >= cap else None",
            "    return ReferralFault.CAP_REACHED if cap is not None and count > cap else None",
            "test_rewards.py::test_a_cap_holds_against_parallel_qualifications",
        ),
        Broken(
            "the friend is rewarded too",
            "    loyalty.grant(context, step.friend_id, friend_points, cause_id=step.id)",
            "    pass",
            "test_graphs.py::test_no_cycle_is_registered_and_a_reward_is_paid_once",
        ),
    ),
    "plugins/crmkit_referrals/service/ends.py": (
        Broken(
            "a refund takes the points back",
            "        await loyalty.reverse(context, ids)",
            "        pass",
            "test_rewards.py::test_a_refund_takes_back_what_both_got",
        ),
        Broken(
            "a reversal makes room under the cap",
            "        context.write.change(Advocate, advocate_id, add={Advocate.qualified: -1})",
            "        pass",
            "test_graphs.py::test_no_cycle_is_registered_and_a_reward_is_paid_once",
        ),
    ),
    "plugins/crmkit_referrals/codes.py": (
        Broken(
            "codes have no look-alike characters",
            'ALPHABET = "34679ACDEFGHJKMNPQRTWXY"',
            'ALPHABET = "034679ACDEFGHJKMNPQRTWXY"',
            "test_codes.py::test_no_two_letters_of_a_code_look_alike",
        ),
        Broken(
            "a code is the same however it is typed",
            '    return "".join(each for each in normalize("NFKC", given).upper() if each.isalnum())',
            "    return given",
            "test_attribution.py::test_an_invited_friend_registers_the_invitation",
        ),
    ),
}
