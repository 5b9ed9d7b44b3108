"""What a sender said beside the import itself, rows that were never read, and references that carry their tenant."""

from pathlib import Path

from alembic import op

from shared.db.sql_file import statements

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent


def upgrade() -> None:
    for name in ("0003_no_holes.sql", "0003_references.sql"):
        for statement in statements(HERE / name):
            op.execute(statement)


def downgrade() -> None:
    for name in ("0003_references_undone.sql", "0003_undone.sql"):
        for statement in statements(HERE / name):
            op.execute(statement)
