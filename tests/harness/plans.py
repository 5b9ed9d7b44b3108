"""The plans of all statements that sessions of some roles run, those within functions and triggers too, as Postgres tells them."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.harness.world import World

_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_verbose": "on",
    "auto_explain.log_format": "json",
    "client_min_messages": "log",
}


@dataclass
class Plans:
    """What was planned; each node of a plan as Postgres describes it, and the text of its statement."""

    told: list[str] = field(default_factory=list)

    def watch(self, engine: AsyncEngine) -> None:
        """Note what connections of this engine are told, from their beginning on."""

        @event.listens_for(engine.sync_engine, "connect")
        def _connected(connection: Any, _record: object) -> None:
            connection.driver_connection.add_log_listener(lambda _, message: self.told.append(message.message))

    def nodes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every node of every plan, with the text of its statement."""
        for said in self.told:
            if "plan:" in said:
                plan = json.loads(said.partition("plan:")[2])
                for node in _below(plan["Plan"]):
                    yield plan["Query Text"], node


def _below(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _below(child)


@asynccontextmanager
async def told_plans(world: World, roles: Sequence[str]) -> AsyncIterator[Plans]:
    """Have new sessions of these roles be told the plan of everything they run."""
    try:
        async with world.database() as conn:
            for role in roles:
                for name, value in _SETTINGS.items():
                    await conn.exec_driver_sql(f"ALTER ROLE {role} SET {name} = '{value}'")
        yield Plans()
    finally:
        async with world.database() as conn:
            for role in roles:
                for name in _SETTINGS:
                    await conn.exec_driver_sql(f"ALTER ROLE {role} RESET {name}")


@asynccontextmanager
async def as_if_large(world: World, tables: dict[str, int], same: Sequence[str] = ()) -> AsyncIterator[None]:
    """Have the planner take tables for as large as said (with their indexes), and columns (`crm.records.tenant_id`) for one value."""
    async with world.database() as conn:
        for table, rows in tables.items():
            await conn.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
            await conn.exec_driver_sql(
                "UPDATE pg_class SET reltuples = $1, relpages = greatest(1, pg_relation_size(oid) / 8192)"
                " WHERE oid = $2::text::regclass OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = $2::text::regclass)",
                (float(rows), table),
            )
        for column in same:
            schema, table, name = column.split(".")
            await conn.exec_driver_sql(
                "SELECT pg_restore_attribute_stats('schemaname', $1::text, 'relname', $2::text, 'attname', $3::text,"
                " 'inherited', false, 'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)",
                (schema, table, name),
            )
    try:
        yield
    finally:
        async with world.database() as conn:
            for table in tables:
                await conn.exec_driver_sql(f"ALTER TABLE {table} RESET (autovacuum_enabled)")
                await conn.exec_driver_sql(f"ANALYZE {table}")
