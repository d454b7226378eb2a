"""What others say to customers, in their own unit and with all hooks."""

from crmkit.customers.service import create_customers as create
from crmkit.customers.service import delete_customers as delete
from crmkit.customers.service import merge_customers as merge
from crmkit.customers.service import move_customers as move
from crmkit.customers.service import relate_customers as relate
from crmkit.customers.service import restore_customers as restore
from crmkit.customers.service import update_customers as update
from crmkit.customers.service import upsert_customers as upsert
from crmkit.customers.types import own_fields as fields

__all__ = ["create", "delete", "fields", "merge", "move", "relate", "restore", "update", "upsert"]
