-- Frozen once released: back to what the second migration made.

ALTER TABLE imports.imports
    DROP COLUMN has_exportable_unprocessed, DROP COLUMN unprocessed_object_key, DROP COLUMN read_to_row,
    DROP COLUMN event_source, DROP COLUMN event_id, DROP COLUMN traceparent;

DROP INDEX staging.product_eco_claims_import_id_chunk_no_group_row_idx;
CREATE INDEX product_eco_claims_import_id_chunk_no_idx ON staging.product_eco_claims (import_id, chunk_no);
DROP INDEX staging.product_environment_import_id_chunk_no_group_row_idx;
CREATE INDEX product_environment_import_id_chunk_no_idx ON staging.product_environment (import_id, chunk_no);
DROP INDEX staging.product_journey_steps_import_id_chunk_no_group_row_idx;
CREATE INDEX product_journey_steps_import_id_chunk_no_idx ON staging.product_journey_steps (import_id, chunk_no);
DROP INDEX staging.product_materials_import_id_chunk_no_group_row_idx;
CREATE INDEX product_materials_import_id_chunk_no_idx ON staging.product_materials (import_id, chunk_no);
DROP INDEX staging.product_tags_import_id_chunk_no_group_row_idx;
CREATE INDEX product_tags_import_id_chunk_no_idx ON staging.product_tags (import_id, chunk_no);
DROP INDEX staging.product_variants_import_id_chunk_no_group_row_idx;
CREATE INDEX product_variants_import_id_chunk_no_idx ON staging.product_variants (import_id, chunk_no);
DROP INDEX staging.product_weight_import_id_chunk_no_group_row_idx;
CREATE INDEX product_weight_import_id_chunk_no_idx ON staging.product_weight (import_id, chunk_no);
DROP INDEX staging.products_import_id_chunk_no_group_row_idx;
CREATE INDEX products_import_id_chunk_no_idx ON staging.products (import_id, chunk_no);
DROP INDEX staging.variant_attributes_import_id_chunk_no_group_row_idx;
CREATE INDEX variant_attributes_import_id_chunk_no_idx ON staging.variant_attributes (import_id, chunk_no);
DROP INDEX staging.variant_eco_claims_import_id_chunk_no_group_row_idx;
CREATE INDEX variant_eco_claims_import_id_chunk_no_idx ON staging.variant_eco_claims (import_id, chunk_no);
DROP INDEX staging.variant_environment_import_id_chunk_no_group_row_idx;
CREATE INDEX variant_environment_import_id_chunk_no_idx ON staging.variant_environment (import_id, chunk_no);
DROP INDEX staging.variant_journey_steps_import_id_chunk_no_group_row_idx;
CREATE INDEX variant_journey_steps_import_id_chunk_no_idx ON staging.variant_journey_steps (import_id, chunk_no);
DROP INDEX staging.variant_materials_import_id_chunk_no_group_row_idx;
CREATE INDEX variant_materials_import_id_chunk_no_idx ON staging.variant_materials (import_id, chunk_no);
DROP INDEX staging.variant_weight_import_id_chunk_no_group_row_idx;
CREATE INDEX variant_weight_import_id_chunk_no_idx ON staging.variant_weight (import_id, chunk_no);
