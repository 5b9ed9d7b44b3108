"""Many steps as one trip to the database: as a function of its session, for which it needs no migration.

A small chunk is written in twenty statements of which each takes a fraction of a millisecond; going there and back
takes longer, and beside a large file each is a wait for a processor. The function takes the same statements in the same
order, and its plans are kept as those of single statements are.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, Self
from weakref import ref

from sqlalchemy import Connection, Transaction, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.moves import Step
from services.committer.plpgsql import VARIABLES, statement
from services.committer.written import Run
from shared.db.engine import keeps_its_session

_MADE = "winnow_session_functions"
_ARGUMENTS = {"tenant_id": "text", "import_id": "uuid", "chunk_no": "integer", "first": "integer", "last": "integer"}
_IS_THERE = text("SELECT to_regprocedure(:signature) IS NOT NULL")


class _Place(NamedTuple):
    """In which transaction of a connection, and which savepoint of it, something was made or found."""

    transaction: ref[Transaction]
    innermost: ref[Transaction]

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Where the connection is now."""
        transaction = connection.get_transaction()
        assert transaction is not None
        return cls(ref(transaction), ref(connection.get_nested_transaction() or transaction))


class OneCall:
    """Steps that are always taken together."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)

    async def take(self, conn: AsyncConnection, run: Run) -> list[int] | None:
        """Take the steps; what they count, one number after the other. None, and nothing is done, where sessions have no functions."""
        if not keeps_its_session(conn):
            return None
        await self._see_to_it(conn)
        taken = await conn.exec_driver_sql(f"SELECT {self._name}($1, $2, $3, $4, $5)", tuple(run))
        return list(taken.scalar_one())

    async def _see_to_it(self, conn: AsyncConnection) -> None:
        """Make the function unless the session has it.

        What was made in a transaction or a savepoint that was rolled back is not there: that is asked, until a transaction
        after it has found the function.
        """
        connection = conn.sync_connection
        assert connection is not None
        made: dict[str, _Place | None] = connection.info.setdefault(_MADE, {})
        now = _Place.of(connection)
        if self._name in made:
            at = made[self._name]
            if at is None or at.innermost() is now.innermost():
                return
            if (await conn.execute(_IS_THERE, {"signature": self._signature})).scalar_one():
                made[self._name] = now if at.transaction() is now.transaction() else None
                return
        await conn.exec_driver_sql(self._made)
        made[self._name] = now

    @cached_property
    def _name(self) -> str:
        return f"pg_temp.winnow_steps_{hashlib.sha256(self._body.encode()).hexdigest()[:16]}"

    @cached_property
    def _signature(self) -> str:
        return f"{self._name}({', '.join(_ARGUMENTS.values())})"

    @cached_property
    def _made(self) -> str:
        arguments = ", ".join(f"v_{name} {of}" for name, of in _ARGUMENTS.items())
        return f"CREATE OR REPLACE FUNCTION {self._name}({arguments}) RETURNS bigint[] LANGUAGE plpgsql AS $winnow${self._body}$winnow$"

    @cached_property
    def _body(self) -> str:
        taken = "\n".join(map(statement, self.steps))
        return f"\nDECLARE\n    {VARIABLES}\nBEGIN\n{taken}\nRETURN v_of_run;\nEND "
