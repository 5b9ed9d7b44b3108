"""Interpretations with a number, imports that are held, groups between validator and committer, tenants.

Chunks that were validated before it have no rows in `staging.groups`: they are handed back to the validator.
"""

from pathlib import Path

from alembic import op

from shared.db.sql_file import statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent
ROLE = "winnow_intake"


def upgrade() -> None:
    # Roles belong to the cluster, not to the database: another database of it may have made them.
    op.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN "
        f"CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS; END IF; END $$"
    )
    for statement in statements(HERE / "0002_interpretation_and_hold.sql"):
        op.execute(statement)


def downgrade() -> None:
    for statement in statements(HERE / "0002_undone.sql"):
        op.execute(statement)
    op.execute(f"DROP OWNED BY {ROLE}")
