"""Alembic's entry: runs on the connection `shared.db.migrate` hands over."""

from alembic import context

from shared.db import catalog, crm, fields, flat, gateway, imports, staging, tenants
from shared.db.metadata import metadata

assert all((catalog, crm, fields, flat, gateway, imports, staging, tenants))

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema="public",
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
