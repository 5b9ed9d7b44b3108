"""What a table of a tenant's rows has beside its columns: row-level security, and who may do what. For migrations.

What these statements give is frozen with the migrations that use them: a table that needs something else, or a service
that needs more, has a migration of its own that says so.
"""

from collections.abc import Callable

_GRANTS = {
    "catalog": (
        ("SELECT", "winnow_validator, winnow_reader, winnow_operator"),
        ("SELECT, INSERT, UPDATE", "winnow_committer"),
    ),
    "staging": (
        ("SELECT, INSERT, DELETE", "winnow_validator"),
        ("SELECT, UPDATE, DELETE", "winnow_committer"),
        ("SELECT, DELETE", "winnow_intake, winnow_parser, winnow_keeper"),
        ("SELECT", "winnow_reader, winnow_operator"),
    ),
}
_OF_ONE_TENANT = "(tenant_id = (SELECT current_setting('winnow.tenant_id', true)))"


def protect(execute: Callable[[str], object], *tables: str) -> None:
    """Let the services at new tables (`catalog.suppliers`, `staging.suppliers`), each transaction at one tenant's rows.

    Args:
        execute: runs a statement; in a migration `op.execute`.
        tables: named with their schema, `catalog` or `staging`; each has a column `tenant_id`.
    """
    for table in tables:
        schema, _, _ = table.partition(".")
        execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        execute(f"CREATE POLICY of_one_tenant ON {table} USING {_OF_ONE_TENANT} WITH CHECK {_OF_ONE_TENANT}")
        for privileges, roles in _GRANTS[schema]:
            execute(f"GRANT {privileges} ON {table} TO {roles}")
