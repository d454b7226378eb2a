"""Rules of referrals, each broken in one line, which a test here has to notice."""

from __future__ import annotations

from collections.abc import Mapping

from tests.house.mutants import Broken

MUTANTS: Mapping[str, tuple[Broken, ...]] = {
    "plugins/crmkit_referrals/service.py": (
        Broken(
            "nobody refers himself at sign-up",
            "        if _is_one(places, pair):",
            "        if False:",
        ),
        Broken(
            "nobody refers himself afterwards",
            "    if pair.advocate_id == pair.friend_id or _is_one(places, pair):",
            "    if False:",
        ),
        Broken(
            "chains have no cycles",
            "    if root == pair.friend_id:",
            "    if False:",
        ),
        Broken(
            "a friend comes through one advocate",
            "    if await context.rules(repository.attributed(pair.friend_id)):",
            "    if False:",
        ),
        Broken(
            "who has bought is no new customer",
            "    if orders and await context.rules(repository.any_order(friend_id, orders.OrderRow)):",
            "    if False:",
        ),
        Broken(
            "attribution ends",
            "    if context.clock.now() - came_at > timedelta(days=days):",
            "    if False:",
        ),
        Broken(
            "an unknown code is refused",
            "        if codes.folded(code) not in known:",
            "        if False:",
        ),
        Broken(
            "addresses that came later count",
            "    if _is_one(places, step):",
            "    if False:",
        ),
        Broken(
            "a cap is a cap",
            "    return ReferralFault.CAP_REACHED if cap is not None and count >= cap else None",
            "    return ReferralFault.CAP_REACHED if cap is not None and count > cap else None",
        ),
        Broken(
            "the friend is rewarded too",
            "    loyalty.grant(context, step.friend_id, friend_points, cause_id=step.id)",
            "    pass",
        ),
        Broken(
            "a refund takes the points back",
            "        await loyalty.reverse(context, ids)",
            "        pass",
        ),
        Broken(
            "a reversal makes room under the cap",
            "        context.write.change(Advocate, advocate_id, add={Advocate.qualified: -1})",
            "        pass",
        ),
    ),
    "plugins/crmkit_referrals/codes.py": (
        Broken(
            "codes have no look-alike characters",
            'ALPHABET = "34679ACDEFGHJKMNPQRTWXY"',
            'ALPHABET = "034679ACDEFGHJKMNPQRTWXY"',
        ),
        Broken(
            "a code is the same however it is typed",
            '    return "".join(each for each in normalize("NFKC", given).upper() if each.isalnum())',
            "    return given",
        ),
    ),
}
