"""What pending products have in common with production, as the validator would have said it."""

from sqlalchemy import text

from services.committer.refusals import Conflict
from shared.entities.errors import belongs_to, group_exists
from shared.entities.products import BY_HANDLE, PRODUCTS

CONFLICTS = text(
    """
    SELECT s.row_no, s.group_row, 'handle' AS field, s.handle AS value, s.handle AS owner
      FROM staging.products s
      JOIN catalog.products p ON p.tenant_id = :tenant_id AND p.handle = s.handle
     WHERE s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.row_status = 'pending'
    UNION ALL
    SELECT s.row_no, s.group_row, 'barcode', s.barcode, p.handle
      FROM staging.product_variants s
      JOIN catalog.product_variants v ON v.tenant_id = :tenant_id AND v.barcode = s.barcode
      JOIN catalog.products p ON p.id = v.product_id
     WHERE s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.row_status = 'pending'
    UNION ALL
    SELECT s.row_no, s.group_row, 'sku', s.sku, p.handle
      FROM staging.product_variants s
      JOIN catalog.product_variants v ON v.tenant_id = :tenant_id AND v.sku = s.sku
      JOIN catalog.products p ON p.id = v.product_id
     WHERE s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.row_status = 'pending'
    """
)
"""Takes the chunk; row, group row, field, its value and the handle of the product that has it."""


def conflict(row: int, group_row: int, field: str, value: str, owner: str) -> Conflict:
    """One row that `CONFLICTS` returns, in words."""
    error = (
        group_exists(PRODUCTS, field, value) if field == BY_HANDLE.field else belongs_to(PRODUCTS, field, value, owner)
    )
    return Conflict(row, group_row, field, error)
