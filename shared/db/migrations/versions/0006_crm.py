"""CRM records, a tenant's own fields and people, and what the guided path keeps."""

from collections.abc import Iterator
from pathlib import Path

from alembic import op

from shared.db.sql_file import statements

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent
PARTS: tuple[str, ...] = ("crm", "fields", "guided", "lists")
"""One file a concern, in the order in which they are applied; each has its `_undone`."""


def _files(names: Iterator[str]) -> None:
    for name in names:
        for statement in statements(HERE / name):
            op.execute(statement)


def upgrade() -> None:
    _files(f"0006_{part}.sql" for part in PARTS)


def downgrade() -> None:
    _files(f"0006_{part}_undone.sql" for part in reversed(PARTS))
