"""What happens to customers, each verb a mutation of one and of many."""

from crmkit.customers.service.customers import (
    create_customers,
    delete_customers,
    restore_customers,
    update_customers,
)
from crmkit.customers.service.merges import merge_customers
from crmkit.customers.service.moves import move_customers
from crmkit.customers.service.relations import end_relations, relate_customers
from crmkit.customers.service.upserts import upsert_customers

__all__ = [
    "create_customers",
    "delete_customers",
    "end_relations",
    "merge_customers",
    "move_customers",
    "relate_customers",
    "restore_customers",
    "update_customers",
    "upsert_customers",
]
