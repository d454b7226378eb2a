from __future__ import annotations

from pydantic import BaseModel

from crmkit import sdk
from crmkit.testing import plugin_contract
from crmkit_feedback.plugin import Feedback
from crmkit_grading.plugin import Grading
from crmkit_loyalty.plugin import Loyalty
from crmkit_orders.plugin import Orders
from crmkit_referrals.plugin import Referrals
from crmkit_tasks.plugin import Tasks
from crmkit_webhooks.plugin import Webhooks

test_orders_keep_the_contract = plugin_contract(Orders)
test_loyalty_keeps_the_contract = plugin_contract(Loyalty)
test_referrals_keep_the_contract = plugin_contract(Referrals)
test_feedback_keeps_the_contract = plugin_contract(Feedback)
test_tasks_keep_the_contract = plugin_contract(Tasks)
test_grading_keeps_the_contract = plugin_contract(Grading)
test_webhooks_keep_the_contract = plugin_contract(Webhooks)


class KeyConfig(BaseModel):
    key: str


class Key(sdk.Plugin):
    name = "key"
    version = "1.0"
    Config = KeyConfig


test_a_plugin_is_tried_under_the_settings_that_it_needs = plugin_contract(
    Key, config={"key": {"key": "what only the operator knows"}}
)
