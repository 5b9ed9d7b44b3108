"""The gateway: people, keys, files on their way in, webhooks, lists and live pages."""

from collections.abc import Iterator
from pathlib import Path

from alembic import op

from shared.db.sql_file import statements

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent
ROLES = ("winnow_gateway", "winnow_notifier")
# fmt: off
PARTS: tuple[str, ...] = (
    "schema",
    "live",
    "lists",
    "uploads",
    "notices",
    "who",
)
# fmt: on
"""One file a concern, in the order in which they are applied; each has its `_undone`."""


def _files(names: Iterator[str]) -> None:
    for name in names:
        for statement in statements(HERE / name):
            op.execute(statement)


def upgrade() -> None:
    for role in ROLES:
        # Roles belong to the cluster, not to the database: another database of it may have made them.
        op.execute(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN "
            f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS; END IF; END $$"
        )
    _files(f"0005_{part}.sql" for part in PARTS)


def downgrade() -> None:
    _files(f"0005_{part}_undone.sql" for part in reversed(PARTS))
    for role in ROLES:
        op.execute(f"DROP OWNED BY {role}")
