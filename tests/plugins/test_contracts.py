from __future__ import annotations

from crmkit.testing import plugin_contract
from crmkit_feedback.plugin import Feedback
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_referrals.plugin import Referrals

test_orders_keep_the_contract = plugin_contract(Orders)
test_loyalty_keeps_the_contract = plugin_contract(Loyalty)
test_referrals_keep_the_contract = plugin_contract(Referrals)
test_feedback_keeps_the_contract = plugin_contract(Feedback)
