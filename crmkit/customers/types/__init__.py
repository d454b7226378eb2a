"""What a client sees of customers, what it asks for, and what handlers are told."""

from crmkit.customers.types.addresses import PLACE, PostalAddress, place
from crmkit.customers.types.custom import field_input, field_parts, field_table
from crmkit.customers.types.events import (
    CustomersCreated,
    CustomersDeleted,
    CustomersMoved,
    CustomersRestored,
    CustomersUpdated,
)
from crmkit.customers.types.inputs import (
    CreateCustomer,
    CreatedCustomer,
    EmailAddress,
    ExternalId,
    MatchBy,
    PhoneNumber,
    UpdateCustomer,
    UpdatedCustomer,
    UpsertCustomer,
    UpsertedCustomer,
    said,
)
from crmkit.customers.types.lifecycle import (
    DeleteCustomer,
    DeletedCustomer,
    MoveCustomer,
    MovedCustomer,
    RestoreCustomer,
    RestoredCustomer,
)
from crmkit.customers.types.nodes import (
    Customer,
    CustomerAddress,
    CustomerEmail,
    CustomerExternalId,
    CustomerPhone,
    CustomerRelation,
    StageStay,
)
from crmkit.customers.types.relations import (
    EndedRelation,
    EndRelation,
    RelateCustomer,
    RelatedCustomer,
)

__all__ = [
    "PLACE",
    "CreateCustomer",
    "CreatedCustomer",
    "Customer",
    "CustomerAddress",
    "CustomerEmail",
    "CustomerExternalId",
    "CustomerPhone",
    "CustomerRelation",
    "CustomersCreated",
    "CustomersDeleted",
    "CustomersMoved",
    "CustomersRestored",
    "CustomersUpdated",
    "DeleteCustomer",
    "DeletedCustomer",
    "EmailAddress",
    "EndRelation",
    "EndedRelation",
    "ExternalId",
    "MatchBy",
    "MoveCustomer",
    "MovedCustomer",
    "PhoneNumber",
    "PostalAddress",
    "RelateCustomer",
    "RelatedCustomer",
    "RestoreCustomer",
    "RestoredCustomer",
    "StageStay",
    "UpdateCustomer",
    "UpdatedCustomer",
    "UpsertCustomer",
    "UpsertedCustomer",
    "field_input",
    "field_parts",
    "field_table",
    "place",
    "said",
]
