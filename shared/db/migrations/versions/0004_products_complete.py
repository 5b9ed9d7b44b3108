"""Products complete: modes that change records, what was there before, corrections that come back, keeping."""

from collections.abc import Iterator
from pathlib import Path

from alembic import op

from shared.db.sql_file import statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent
# fmt: off
PARTS: tuple[str, ...] = (
    "modes",
    "commit",
    "lists",
    "repeats",
    "views",
    "corrections",
    "keeping",
    "references",
    "undo",
)
# fmt: on
"""One file a concern, in the order in which they are applied; each has its `_undone`."""


def _files(names: Iterator[str]) -> None:
    for name in names:
        for statement in statements(HERE / name):
            op.execute(statement)


def upgrade() -> None:
    _files(f"0004_{part}.sql" for part in PARTS)


def downgrade() -> None:
    _files(f"0004_{part}_undone.sql" for part in reversed(PARTS))
