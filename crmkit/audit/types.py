"""What a client sees of the audit."""

from __future__ import annotations

from crmkit.audit import repository
from crmkit.audit.models import AuditChange
from crmkit.customers.types import Customer
from crmkit.engine.fields import any_node, batch, to_many, to_one
from crmkit.engine.nodes import Connection, Node, extend, node
from crmkit.store.audit import Audit


@node(Audit, list="auditEntries", read="core.audit.read", order_by=Audit.created_at.desc())
class AuditEntry:
    """What somebody did in one go, as far as it concerns one customer, or nobody."""

    customer: Customer | None = to_one(Audit.about)
    """Whom it concerns, unless that is nobody."""
    actor: str
    key: str | None
    operation: str
    request_id: str
    record: Node | None = any_node(Audit.record)
    """The record that the operation was about."""
    count: int
    changes: list[AuditChange] | None = batch(repository.changes_of)


@extend(Customer)
class HistoryOfCustomer:
    """What the audit knows of a customer."""

    history: Connection[AuditEntry] = to_many(Audit.about, order_by=Audit.created_at.desc())
    """Who did what that concerns them, the latest first."""
