"""A value is read as another one, or as nothing, in every row that has it; or again as it stands."""

from uuid import UUID

from sqlalchemy import text

from services.gateway.imports.guided.found import mapped, touch
from services.gateway.imports.guided.value_pages import described
from services.gateway.imports.transactions import acting
from services.gateway.people import Person
from services.gateway.problems import Refused, invalid
from services.gateway.resources import Gateway
from services.gateway.texts import can_be_kept
from shared.api.guided import ColumnValue, NewReplacement
from shared.entities.cells import BLANKS
from shared.entities.replacements import value_digest
from shared.intake.column_values import ListedValue, having
from shared.intake.mapping import cut_again
from shared.ledger.rechecking import validate_again

_SAY = text(
    """
    INSERT INTO imports.replacements AS c
           (import_id, column_index, digest, tenant_id, value, replacement, is_skipped, rows, first_row, user_id)
    VALUES (:id, :index, :digest, :tenant, :value, :replacement, :skipped, :rows, :first_row, :user)
    ON CONFLICT (import_id, column_index, digest) DO UPDATE
       SET replacement = excluded.replacement, is_skipped = excluded.is_skipped, user_id = excluded.user_id,
           created_at = now()
     WHERE (c.replacement, c.is_skipped) IS DISTINCT FROM (excluded.replacement, excluded.is_skipped)
    RETURNING digest
    """
)
_TAKE_BACK = text(
    """
    DELETE FROM imports.replacements WHERE import_id = :id AND column_index = :index AND digest = :digest RETURNING digest
    """
)


async def replace_value(
    ways: Gateway, person: Person, import_id: UUID, index: int, asked: NewReplacement
) -> ColumnValue:
    """Have a value read as what is asked; the value as it is then, with what is wrong with it as far as it is known.

    Only rows of chunks that have the value are validated again; where rows are known by the column, all of them are cut again.

    Raises:
        Refused: there is no such import or column, no row has the value, or both a replacement and a skip are asked for.
    """
    replacement = _replacement(asked)
    value = asked.value.strip(BLANKS)
    if not can_be_kept(value):
        raise invalid("value", "no row of the file has this value in this column.")
    async with acting(ways, person) as conn:
        # Under the lock, so that no chunk is staged, and none is written, between this look and what is said here.
        found, field = await mapped(conn, import_id, index, locked=True)
        there = await having(conn, import_id, found.layout, index, value)
        if there is None:
            raise invalid("value", "no row of the file has this value in this column.")
        said = {"id": import_id, "index": index, "digest": value_digest(value)}
        if replacement is None and not asked.skip:
            changed = (await conn.execute(_TAKE_BACK, said)).first() is not None
        else:
            also = {"tenant": found.tenant_id, "value": value, "replacement": replacement, "skipped": asked.skip}
            place = {"rows": there.rows, "first_row": there.first_row, "user": person.user}
            changed = (await conn.execute(_SAY, {**said, **also, **place})).first() is not None
        if changed and found.is_known_by(field):
            await cut_again(conn, import_id)
        elif changed:
            await validate_again(conn, import_id, [chunk for chunk in there.chunks if chunk])
        await touch(conn, import_id)
        return await described(conn, found, field, index, ListedValue(0, value, there.rows, there.first_row))


def _replacement(asked: NewReplacement) -> str | None:
    if asked.replacement is None:
        return None
    if asked.skip:
        raise Refused("invalid", "Say a replacement or skip, not both.", errors=[("skip", "There is a replacement.")])
    replacement = asked.replacement.strip(BLANKS)
    if not replacement:
        raise invalid("replacement", "it is blank; skip the value for that.")
    if not can_be_kept(replacement):
        raise invalid("replacement", "it has a character that cannot be kept; type it again.")
    return replacement if replacement != asked.value.strip(BLANKS) else None
