"""How products that are there are changed, as SQL: by what was decided of each record, and nothing beside it.

Staged rows with action `update` say in `said` what of their record is written: columns by their name, lists and figures by
kind (`tags`, `materials`, `weight`). Of a kind that is said, what the record has goes, and what is staged comes; none staged
clears it. Attributes are added and given other values; they are taken away only where a row says that all come anew
(`ATTRIBUTES_ANEW`), as one does that takes a change back. A record whose row says nothing is left alone. Rows with action
`remove` take their record away.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table, text

from services.committer.changes.noted import TAKE_BACK, note_changes
from services.committer.moves import BY_THE_DATABASE, PENDING, Step, move
from services.committer.products.graph import MAKE_ENTITIES, MOVES, production_value
from shared.db import catalog, staging
from shared.db.metadata import quoted
from shared.states import ATTRIBUTES_ANEW, ITSELF, Action, GroupStatus

UPDATES = "groups.update"
"""What a chunk has that has groups to be changed."""

PRODUCTS_CHANGED, VARIANTS_CHANGED = "products_changed", "variants_changed"
PRODUCTS_REMOVED, VARIANTS_REMOVED = "products_removed", "variants_removed"
ROWS_OF_PRODUCTS = "rows_of_products"
"""Rows that changed their product, and not their variant."""

_OWNERS = {catalog.products: staging.products, catalog.product_variants: staging.product_variants}
_REMOVED = {catalog.products.name: PRODUCTS_REMOVED, catalog.product_variants.name: VARIANTS_REMOVED}
_FIXED = {"id", "tenant_id", "handle", "product_id", "position", "import_id", "import_row_no"}
_MADE = {"created_import_id", "created_row_no"}
_ALONE = f"""NOT EXISTS (
                     SELECT FROM staging.product_variants v
                      WHERE v.import_id = :import_id AND v.chunk_no = :chunk_no AND v.group_row = changed.group_row
                        AND v.row_no = changed.row_no
                        AND (v.action IN ('{Action.CREATE}', '{Action.REMOVE}') OR v.said <> '{{}}'))"""


def _owned() -> Iterator[tuple[Table, Table, str]]:
    """Each table of lists and figures that are replaced, with its owner's table and their kind."""
    for produced in staging.MIRRORS:
        for owner in _OWNERS:
            prefix = "product" if owner is catalog.products else "variant"
            if produced not in _OWNERS and produced.name.startswith(f"{prefix}_"):
                yield produced, owner, produced.name.removeprefix(f"{prefix}_")


def said_of(owner: Table, kind: str) -> str:
    """What a chunk has in which a record of this table says this kind."""
    return f"{owner.name}.{kind}"


def _take_away(produced: Table, owner: Table, kind: str) -> Step:
    key = "product_id" if owner is catalog.products else "variant_id"
    # Of an array and not of a join: whatever the planner thinks of a staging table, records are found by their key.
    return Step(
        f"{produced.name}_taken_away",
        text(
            f"""
        DELETE FROM {produced.fullname}
         WHERE {key} = ANY(ARRAY(
               SELECT id FROM {_OWNERS[owner].fullname}
                WHERE {PENDING} AND action = '{Action.UPDATE}' AND '{kind}' = ANY(said)))
        """  # noqa: S608 - our names
        ),
        needs=frozenset({said_of(owner, kind)}),
    )


def _assignments(produced: Table, record: str) -> str:
    return ",\n                      ".join(
        f"{quoted(column.name)} = CASE WHEN '{column.name}' = ANY(s.said) THEN {production_value(column)} "
        f"ELSE {record}.{quoted(column.name)} END"
        for column in _changeable(produced)
    )


def _changeable(produced: Table) -> Iterator[Column[Any]]:
    for column in produced.columns:
        if column.name not in _FIXED | _MADE | BY_THE_DATABASE:
            yield column


def _remove(produced: Table) -> Step:
    """Takes away records, with what they own."""
    return Step(
        _REMOVED[produced.name],
        text(
            f"""
        WITH s AS (
               DELETE FROM {_OWNERS[produced].fullname} WHERE {PENDING} AND action = '{Action.REMOVE}' RETURNING id
        )
        DELETE FROM {produced.fullname} WHERE id = ANY(ARRAY(SELECT id FROM s))
        """  # noqa: S608 - our names
        ),
        needs=frozenset({said_of(produced, ITSELF)}),
    )


_WRITER = """(CASE s.record
                    WHEN 'product' THEN (SELECT r.{0} FROM catalog.products r WHERE r.id = s.record_id)
                    ELSE (SELECT r.{0} FROM catalog.product_variants r WHERE r.id = s.record_id) END)"""
_CHANGE_PRODUCTS = Step(
    PRODUCTS_CHANGED,
    text(
        f"""
        WITH s AS (
               DELETE FROM staging.products WHERE {PENDING} AND action = '{Action.UPDATE}' RETURNING *
        ), changed AS (
               UPDATE catalog.products p
                  SET {_assignments(catalog.products, "p")},
                      version = p.version + 1, version_since = p.version + 1, version_import_id = :import_id,
                      import_id = coalesce(s.writer_import_id, s.import_id),
                      import_row_no = coalesce(s.writer_row_no, s.row_no), updated_at = now()
                 FROM s WHERE p.id = s.id AND s.said <> '{{}}'
               RETURNING s.row_no, s.group_row
        )
        SELECT count(*), count(*) FILTER (WHERE {_ALONE}) FROM changed
        """  # noqa: S608 - our names
    ),
    returning=(PRODUCTS_CHANGED, ROWS_OF_PRODUCTS),
    needs=frozenset({staging.products.name}),
)

_TARGETS = f"""SELECT target_id FROM staging.groups
                WHERE import_id = :import_id AND chunk_no = :chunk_no AND group_row BETWEEN :first AND :last
                  AND status = '{GroupStatus.PENDING}' AND action = '{Action.UPDATE}'"""  # noqa: S608 - our words

_REMOVES = f"""EXISTS (SELECT FROM staging.product_variants v
                        WHERE v.import_id = :import_id AND v.chunk_no = :chunk_no AND v.group_row = groups.group_row
                          AND v.action = '{Action.REMOVE}')"""

# A version is one of the whole product, whichever of its records is changed; one that is changed itself gets it by that.
# `version_since` is the one since which only `version_import_id` changed the product, and nothing but variants that it
# had: what else that import has decided of it holds (see `targets`).
_RAISE_VERSIONS = Step(
    "versions_raised",
    text(
        f"""
        UPDATE catalog.products
           SET version = version + 1, version_import_id = :import_id,
               version_since = CASE WHEN id = ANY(ARRAY({_TARGETS} AND (creates > 0 OR {_REMOVES}))) THEN version + 1
                                    WHEN version_import_id = :import_id THEN version_since
                                    ELSE version END
         WHERE id = ANY(ARRAY({_TARGETS}))
           AND id <> ALL(ARRAY(
               SELECT id FROM staging.products
                WHERE {PENDING} AND action = '{Action.UPDATE}' AND said <> '{{}}'))
        """  # noqa: S608 - our names
    ),
    needs=frozenset({UPDATES}),
)

_CHANGE_VARIANTS = Step(
    VARIANTS_CHANGED,
    text(
        f"""
        WITH s AS (
               DELETE FROM staging.product_variants WHERE {PENDING} AND action = '{Action.UPDATE}' RETURNING *
        )
        UPDATE catalog.product_variants v
           SET {_assignments(catalog.product_variants, "v")},
               import_id = coalesce(s.writer_import_id, s.import_id),
               import_row_no = coalesce(s.writer_row_no, s.row_no), updated_at = now()
          FROM (SELECT * FROM s ORDER BY barcode, sku) s
         WHERE v.id = s.id AND s.said <> '{{}}'
        """  # noqa: S608 - our names
    ),
    needs=frozenset({staging.product_variants.name}),
)

_GIVE_ATTRIBUTES = move(
    catalog.product_variant_attributes,
    staging.variant_attributes,
    value=production_value,
    conflict="""
        ON CONFLICT (variant_id, attribute_id) DO UPDATE
           SET attribute_value_id = excluded.attribute_value_id, import_id = excluded.import_id,
               import_row_no = excluded.import_row_no""",
)


def _moves() -> Iterator[Step]:
    """Changes of owners before new ones are made, for they leave the staging table by it."""
    for step in MOVES:
        if step.name == catalog.products.name:
            yield from (_RAISE_VERSIONS, _CHANGE_PRODUCTS)
            # Before variants are changed: one may get back the identifier that another has until it goes.
            yield from (_remove(catalog.product_variants), _remove(catalog.products))
        elif step.name == catalog.product_variants.name:
            yield _CHANGE_VARIANTS
        yield _GIVE_ATTRIBUTES if step.name == _GIVE_ATTRIBUTES.name else step


CHANGES: tuple[Step, ...] = (
    *MAKE_ENTITIES,
    TAKE_BACK,
    # While records are still as they were.
    note_changes(_WRITER),
    *(_take_away(*owned) for owned in _owned()),
    _take_away(catalog.product_variant_attributes, catalog.product_variants, ATTRIBUTES_ANEW),
    *_moves(),
)
"""Everything that chunks need which change products, and may make others."""
