"""All that a plugin may import; everything else may change without notice.

What a plugin says about others it says with these words too: the core's node types
(`sdk.Customer`), its tables (`sdk.rows.Customer`) and its verbs
(`sdk.customers.create`), which run in the caller's unit with all hooks.
"""

from __future__ import annotations

from typing import TypeAlias

from crmkit.access import api as access
from crmkit.access import models as _access
from crmkit.access.types import Role, Team, User
from crmkit.channels import models as _channels
from crmkit.channels.types import Channel, Touchpoint
from crmkit.customers import api as customers
from crmkit.customers import models as _customers
from crmkit.customers.types import (
    CreateCustomer,
    Customer,
    CustomersCreated,
    CustomersMerged,
    CustomersMoved,
    CustomersRestored,
    CustomersUpdated,
    EmailAddress,
    ExternalId,
    MergeCustomers,
    MoveCustomer,
    PhoneNumber,
    PostalAddress,
    UpdateCustomer,
    UpsertCustomer,
)
from crmkit.engine.fields import (
    ID,
    JSON,
    BigInt,
    CurrencyCode,
    Ref,
    Secret,
    any_node,
    batch,
    cause,
    computed,
    expression,
    list_of,
    money,
    resolver,
    side,
    to_many,
    to_one,
)
from crmkit.engine.fields import column as field
from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.engine.mutations import (
    BulkMutation,
    Extended,
    Mutation,
    Outcome,
    extend_input,
    extended,
    mutation,
)
from crmkit.engine.nodes import (
    Connection,
    MoneyType,
    Node,
    enum,
    extend,
    id_of,
    node,
    ref,
    value,
)
from crmkit.engine.queries import query
from crmkit.host.actors import Actor, Grant, Reader
from crmkit.host.builders import (
    EventBuilder,
    ImportBuilder,
    ImportedRow,
    ImportOptions,
    ImportResult,
    PermissionBuilder,
    SchemaBuilder,
)
from crmkit.host.changes import Change, changes
from crmkit.host.checks import Verified
from crmkit.host.context import Context
from crmkit.host.demo import Deal, Demo, DemoPart, Resident, act
from crmkit.host.dispatch import hook, hookspec
from crmkit.host.drafts import Draft
from crmkit.host.events import Event, Happening
from crmkit.host.exports import Export
from crmkit.host.host import Host
from crmkit.host.http import AddressRefused, HttpAnswer, HttpError
from crmkit.host.jobs import JobBuilder
from crmkit.host.manifest import SDK_VERSION, Plugin
from crmkit.host.records import records, shown
from crmkit.host.wheres import check_where, fulfilling
from crmkit.interactions import api as interactions
from crmkit.interactions import models as _interactions
from crmkit.interactions.models import Direction
from crmkit.interactions.types import (
    Interaction,
    InteractionsRecorded,
    RecordInteraction,
)
from crmkit.settings import Organisation
from crmkit.stages import models as _stages
from crmkit.stages.types import Stage
from crmkit.store.column_types import Choice, Code, Json, UtcDateTime
from crmkit.store.database import (
    Base,
    Record,
    Versioned,
    both,
    column,
    or_null,
    reference,
    through,
    unscoped,
)
from crmkit.store.reach import actor_value
from crmkit.store.ready import number, statement
from crmkit.tags import api as tags
from crmkit.tags import models as _tags
from crmkit.tags.types import Tag, TagCustomer, UntagCustomer
from crmkit.values import checks
from crmkit.values.clock import Clock
from crmkit.values.contacts import email_address
from crmkit.values.errors import (
    Ambiguous,
    Conflict,
    Failure,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    Refused,
    SetupError,
    Unsupported,
)
from crmkit.values.ids import new_id
from crmkit.values.labels import phrase
from crmkit.values.money import Money
from crmkit.vocabulary.errors import Retired
from crmkit.vocabulary.types import Label, label

VERSION = SDK_VERSION


class rows:  # noqa: N801  read as a module of the sdk
    """The core's tables, for statements of plugins."""

    Channel: TypeAlias = _channels.Channel
    Customer: TypeAlias = _customers.Customer
    CustomerAlias: TypeAlias = _customers.CustomerAlias
    CustomerAddress: TypeAlias = _customers.CustomerAddress
    CustomerEmail: TypeAlias = _customers.CustomerEmail
    CustomerExternalId: TypeAlias = _customers.CustomerExternalId
    CustomerPhone: TypeAlias = _customers.CustomerPhone
    CustomerRelation: TypeAlias = _customers.CustomerRelation
    CustomerTag: TypeAlias = _tags.CustomerTag
    Interaction: TypeAlias = _interactions.Interaction
    Role: TypeAlias = _access.Role
    Stage: TypeAlias = _stages.Stage
    StageStay: TypeAlias = _customers.StageStay
    Tag: TypeAlias = _tags.Tag
    Team: TypeAlias = _access.Team
    Touchpoint: TypeAlias = _channels.Touchpoint
    User: TypeAlias = _access.User


__all__ = [
    "ID",
    "JSON",
    "UNSET",
    "VERSION",
    "Actor",
    "AddressRefused",
    "Ambiguous",
    "Base",
    "BigInt",
    "BulkMutation",
    "Change",
    "Channel",
    "Choice",
    "Clock",
    "Code",
    "Conflict",
    "Connection",
    "Context",
    "CreateCustomer",
    "CurrencyCode",
    "Customer",
    "CustomersCreated",
    "CustomersMerged",
    "CustomersMoved",
    "CustomersRestored",
    "CustomersUpdated",
    "Deal",
    "Demo",
    "DemoPart",
    "Direction",
    "Draft",
    "EmailAddress",
    "Event",
    "EventBuilder",
    "Export",
    "Extended",
    "ExternalId",
    "Failure",
    "Forbidden",
    "Grant",
    "Happening",
    "Host",
    "HttpAnswer",
    "HttpError",
    "ImportBuilder",
    "ImportOptions",
    "ImportResult",
    "ImportedRow",
    "Interaction",
    "InteractionsRecorded",
    "Invalid",
    "JobBuilder",
    "Json",
    "Label",
    "MergeCustomers",
    "Money",
    "MoneyType",
    "MoveCustomer",
    "Mutation",
    "Node",
    "NotFound",
    "Organisation",
    "Outcome",
    "PermissionBuilder",
    "PhoneNumber",
    "Plugin",
    "PostalAddress",
    "Problem",
    "Reader",
    "Record",
    "RecordInteraction",
    "Ref",
    "Refused",
    "Resident",
    "Retired",
    "Role",
    "SchemaBuilder",
    "Secret",
    "SetupError",
    "Stage",
    "Tag",
    "TagCustomer",
    "Team",
    "Touchpoint",
    "Unset",
    "Unsupported",
    "UntagCustomer",
    "UpdateCustomer",
    "UpsertCustomer",
    "User",
    "UtcDateTime",
    "Verified",
    "Versioned",
    "access",
    "act",
    "actor_value",
    "any_node",
    "batch",
    "both",
    "cause",
    "changes",
    "check_where",
    "checks",
    "column",
    "computed",
    "customers",
    "email_address",
    "enum",
    "expression",
    "extend",
    "extend_input",
    "extended",
    "field",
    "fulfilling",
    "hook",
    "hookspec",
    "id_of",
    "interactions",
    "label",
    "list_of",
    "money",
    "mutation",
    "new_id",
    "node",
    "number",
    "or_null",
    "phrase",
    "query",
    "records",
    "ref",
    "reference",
    "resolver",
    "rows",
    "shown",
    "side",
    "statement",
    "tags",
    "through",
    "to_many",
    "to_one",
    "unscoped",
    "value",
]
