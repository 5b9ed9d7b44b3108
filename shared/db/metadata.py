"""The one `MetaData` of the database, and the columns that mean the same in every table."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Integer, MetaData, Text, Uuid, func
from sqlalchemy.dialects import postgresql

NAMES = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

metadata = MetaData(naming_convention=NAMES)

# Keys are compared as bytes: the same everywhere whatever the server's locale, and several times faster to index.
KEY = Text(collation="C")

# Part of every reference; in itself it refers to nothing.
TENANT = "tenant_id"

BY_STATEMENT = "winnow_by_statement"
"""Of a foreign key: whether triggers hold it, so that the database knows of no constraint."""

_PREPARER = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]


def quoted(name: str) -> str:
    """A column's name as SQL takes it: in quotes where the word is one of SQL's own (`order`)."""
    return _PREPARER.quote(name)


def tenant() -> Column[str]:
    """Whose row it is: what row-level security looks at."""
    return Column(TENANT, KEY, nullable=False)


def reference(
    columns: Sequence[str],
    to: Sequence[Column[Any]],
    *,
    ondelete: str,
    name: str | None = None,
    by_statement: bool = False,
) -> ForeignKeyConstraint:
    """A foreign key to a row of the same tenant.

    Without the tenant in it, a row could refer to any tenant's: what is referred to is looked up past row-level security.
    One `by_statement` is held by triggers, once for all rows of a statement (`catalog.entity_references` lists them).
    """
    key = ForeignKeyConstraint([TENANT, *columns], [to[0].table.c[TENANT], *to], ondelete=ondelete, name=name)
    key.info[BY_STATEMENT] = by_statement
    return key


def moment(name: str, *, default: bool = False) -> Column[object]:
    """A point in time; `default` makes it the transaction's own and never null."""
    return Column(
        name,
        DateTime(timezone=True),
        server_default=func.now() if default else None,
        nullable=not default,
    )


def made_by() -> tuple[Column[object], Column[int]]:
    """The import, and the row of its file, that made a record; null where a release that did not note it did."""
    return Column("created_import_id", Uuid()), Column("created_row_no", Integer)


def written_by() -> tuple[Column[object], Column[int]]:
    """The import, and the row of its file, that last wrote a record.

    No foreign key: the history outlives what it wrote and is outlived by it, and it would be checked for every row.
    """
    return (
        Column("import_id", Uuid(), nullable=False),
        Column("import_row_no", Integer, nullable=False),
    )
