-- Frozen once released: back to what the third migration made.

REVOKE DELETE ON
    catalog.product_tags,
    catalog.product_materials, catalog.product_eco_claims, catalog.product_environment,
    catalog.product_journey_steps, catalog.product_weight,
    catalog.variant_materials, catalog.variant_eco_claims, catalog.variant_environment,
    catalog.variant_journey_steps, catalog.variant_weight
    FROM winnow_committer;
REVOKE SELECT ON
    catalog.product_variant_attributes, catalog.product_tags,
    catalog.product_materials, catalog.product_eco_claims, catalog.product_environment,
    catalog.product_journey_steps, catalog.product_weight,
    catalog.variant_materials, catalog.variant_eco_claims, catalog.variant_environment,
    catalog.variant_journey_steps, catalog.variant_weight,
    catalog.manufacturers, catalog.seasons, catalog.tags, catalog.attributes, catalog.attribute_values,
    catalog.materials, catalog.eco_claims, catalog.facilities
    FROM winnow_validator;

ALTER TABLE imports.imports DROP COLUMN undoes_import_id;
ALTER TABLE imports.import_chunks DROP COLUMN decided, DROP COLUMN wave;
ALTER TABLE staging.products DROP COLUMN action, DROP COLUMN said, DROP COLUMN rows_digest, DROP COLUMN rows_version;
ALTER TABLE staging.product_variants DROP COLUMN action, DROP COLUMN said;
ALTER TABLE staging.groups DROP CONSTRAINT groups_counts_check;
ALTER TABLE staging.groups
    DROP COLUMN seen_version, DROP COLUMN creates, DROP COLUMN updates, DROP COLUMN skips;
DROP TABLE staging.changes;
DROP TABLE catalog.changes;
ALTER TABLE catalog.product_variants DROP COLUMN created_import_id, DROP COLUMN created_row_no;
ALTER TABLE catalog.products DROP COLUMN created_import_id, DROP COLUMN created_row_no, DROP COLUMN version,
    DROP COLUMN rows_digest, DROP COLUMN rows_version;
