"""Rows that a table takes, whatever they mean: for tests that ask every table that has tenants."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Table
from uuid_utils.compat import uuid7

_BY_TYPE: Mapping[type, Callable[[], Any]] = {
    str: lambda: f"x-{uuid7()}",
    int: lambda: 1,
    Decimal: lambda: Decimal(1),
    UUID: lambda: UUID(str(uuid7())),
    dict: dict,
    list: list,
    bytes: lambda: uuid7().bytes,
    bool: lambda: False,
    # Nothing that has ended: some of that is seen by whoever removes it.
    datetime: lambda: datetime.now(UTC) + timedelta(days=1),
}
# Where not everything is taken.
_OF_A_FEW: Mapping[str, Mapping[str, Any]] = {
    "crm.records": {"entity_type": "people"},
    "crm.custom_fields": {"entity_type": "people", "code": "made_up", "type": "text"},
    "crm.members": {"subject": "made-up"},
    "crm.settings": {"region": "US", "date_format": "iso", "decimal": "point"},
    "gateway.api_keys": {"role": "viewer"},
    "gateway.deliveries": {"kind": "email", "recipient": "x@example.com", "state": "failed"},
    "gateway.upload_pieces": {"content": b"x"},
    "gateway.uploads": {"state": "receiving"},
    "imports.replacements": {"replacement": "x"},
}


def made_up(table: Table, tenant: str, **said: Any) -> dict[str, Any]:
    """A row of a tenant, with no more than the table needs; `said` goes before what is made up."""
    needed = {
        column.name: _BY_TYPE.get(column.type.python_type, dict)()
        for column in table.columns
        if not column.nullable and column.server_default is None
    }
    return {**needed, **_OF_A_FEW.get(table.fullname, {}), **said, "tenant_id": tenant}
