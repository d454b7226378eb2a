from __future__ import annotations

from crmkit.testing import plugin_contract
from crmkit_referrals.plugin import Referrals

test_referrals_keep_the_contract_of_plugins = plugin_contract(Referrals)
