"""The database: tables, migrations, roles, transactions of a tenant, bulk writes."""
