"""The first import: ledger, catalog, staging, categories, roles and row-level security."""

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from shared.db.sql_file import statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

HERE = Path(__file__).parent
ROLES = (
    "winnow_parser",
    "winnow_validator",
    "winnow_committer",
    "winnow_exporter",
    "winnow_keeper",
    "winnow_reader",
    "winnow_operator",
    "winnow_relay",
)


def upgrade() -> None:
    for role in ROLES:
        # Roles belong to the cluster, not to the database: another database of it may have made them.
        op.execute(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN "
            f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS; END IF; END $$"
        )
    for statement in statements(HERE / "0001_tables.sql"):
        op.execute(statement)
    op.bulk_insert(
        sa.table(
            "taxonomy_categories",
            sa.column("id", sa.BigInteger),
            sa.column("parent_id", sa.BigInteger),
            sa.column("name", sa.Text),
            sa.column("path", sa.Text),
            sa.column("depth", sa.SmallInteger),
            schema="catalog",
        ),
        list(_categories()),
    )
    op.execute((HERE / "0001_views.sql").read_text(encoding="utf-8"))
    for statement in statements(HERE / "0001_access.sql"):
        op.execute(statement)


def downgrade() -> None:
    for schema in ("staging", "catalog", "imports"):
        op.execute(f"DROP SCHEMA {schema} CASCADE")
    for role in ROLES:
        op.execute(f"DROP OWNED BY {role}")


def _categories() -> Iterator[dict[str, object]]:
    """The tree out of an indented list; a category's number is its line."""
    above: list[tuple[int, str]] = []
    for number, line in enumerate((HERE / "0001_categories.txt").read_text(encoding="utf-8").splitlines(), start=1):
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.strip()
        del above[depth:]
        path = " > ".join([*(parent for _, parent in above), name])
        yield {
            "id": number,
            "parent_id": above[-1][0] if above else None,
            "name": name,
            "path": path,
            "depth": depth + 1,
        }
        above.append((number, name))
