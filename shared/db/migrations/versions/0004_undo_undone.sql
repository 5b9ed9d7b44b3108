-- Frozen once released.

REVOKE DELETE ON
    catalog.products, catalog.product_variants, catalog.product_variant_attributes,
    catalog.manufacturers, catalog.seasons, catalog.tags, catalog.attributes, catalog.attribute_values,
    catalog.materials, catalog.eco_claims, catalog.facilities
    FROM winnow_committer;
REVOKE UPDATE (undone_by) ON catalog.changes FROM winnow_committer;
REVOKE INSERT ON imports.import_chunks FROM winnow_intake;
ALTER TABLE staging.product_variants DROP COLUMN writer_import_id, DROP COLUMN writer_row_no;
ALTER TABLE staging.products DROP COLUMN writer_import_id, DROP COLUMN writer_row_no;
ALTER TABLE catalog.changes DROP COLUMN writer_import_id, DROP COLUMN writer_row_no, DROP COLUMN undone_by;
DROP INDEX catalog.product_variants_created_import_id_created_row_no_idx;
