-- Frozen once released: what imports that change records need beside those that make them.

-- Who made a record, beside who wrote it last; and how often a product, with all it owns, has been changed.
ALTER TABLE catalog.products
    ADD COLUMN created_import_id UUID,
    ADD COLUMN created_row_no INTEGER,
    ADD COLUMN version INTEGER DEFAULT 1 NOT NULL,
    ADD COLUMN rows_digest UUID,
    ADD COLUMN rows_version INTEGER;
ALTER TABLE catalog.product_variants
    ADD COLUMN created_import_id UUID,
    ADD COLUMN created_row_no INTEGER;

-- The owner of a table sees all of it only while security is not forced on it.
ALTER TABLE catalog.products NO FORCE ROW LEVEL SECURITY;
ALTER TABLE catalog.product_variants NO FORCE ROW LEVEL SECURITY;
UPDATE catalog.products SET created_import_id = import_id, created_row_no = import_row_no;
UPDATE catalog.product_variants SET created_import_id = import_id, created_row_no = import_row_no;
ALTER TABLE catalog.products FORCE ROW LEVEL SECURITY;
ALTER TABLE catalog.product_variants FORCE ROW LEVEL SECURITY;

-- What an import changed of the records that were there before it: the changed fields, as they were and as they are.
CREATE TABLE catalog.changes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    record TEXT NOT NULL,
    record_id UUID NOT NULL,
    before JSONB NOT NULL,
    after JSONB NOT NULL,
    CONSTRAINT changes_pkey PRIMARY KEY (import_id, row_no, record, record_id),
    CONSTRAINT changes_record_check CHECK (record IN ('product', 'variant'))
);

CREATE TABLE staging.changes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    record TEXT NOT NULL,
    record_id UUID NOT NULL,
    before JSONB NOT NULL,
    after JSONB NOT NULL
);
CREATE INDEX changes_import_id_chunk_no_group_row_idx ON staging.changes (import_id, chunk_no, group_row);

ALTER TABLE staging.groups
    ADD COLUMN seen_version INTEGER,
    ADD COLUMN creates INTEGER DEFAULT 0 NOT NULL,
    ADD COLUMN updates INTEGER DEFAULT 0 NOT NULL,
    ADD COLUMN skips INTEGER DEFAULT 0 NOT NULL;
-- What waits for its commit was all to be made.
ALTER TABLE staging.groups NO FORCE ROW LEVEL SECURITY;
UPDATE staging.groups SET creates = row_count WHERE status = 'pending';
ALTER TABLE staging.groups FORCE ROW LEVEL SECURITY;
ALTER TABLE staging.groups
    ADD CONSTRAINT groups_counts_check
    CHECK (least(creates, updates, skips) >= 0 AND creates + updates + skips <= row_count);

ALTER TABLE staging.products
    ADD COLUMN action TEXT DEFAULT 'create' NOT NULL,
    ADD COLUMN said TEXT[],
    ADD COLUMN rows_digest UUID,
    ADD COLUMN rows_version INTEGER;
ALTER TABLE staging.product_variants
    ADD COLUMN action TEXT DEFAULT 'create' NOT NULL,
    ADD COLUMN said TEXT[];

ALTER TABLE imports.import_chunks
    ADD COLUMN decided INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN wave INTEGER DEFAULT '0' NOT NULL;
ALTER TABLE imports.imports ADD COLUMN undoes_import_id UUID;

DO $$
DECLARE
    named record;
BEGIN
    FOR named IN SELECT * FROM (VALUES ('catalog', 'changes'), ('staging', 'changes')) AS t (schema_name, table_name)
    LOOP
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', named.schema_name, named.table_name);
        EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', named.schema_name, named.table_name);
        EXECUTE format(
            'CREATE POLICY of_one_tenant ON %I.%I '
            'USING (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true))) '
            'WITH CHECK (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true)))',
            named.schema_name, named.table_name);
    END LOOP;
END
$$;

GRANT SELECT, INSERT ON catalog.changes TO winnow_committer;
GRANT SELECT ON catalog.changes TO winnow_validator, winnow_reader, winnow_operator;
GRANT SELECT, INSERT, DELETE ON staging.changes TO winnow_validator;
GRANT SELECT, UPDATE, DELETE ON staging.changes TO winnow_committer;
GRANT SELECT, DELETE ON staging.changes TO winnow_intake, winnow_parser, winnow_keeper;
GRANT SELECT ON staging.changes TO winnow_reader, winnow_operator;

-- Rows are compared with all that products are; lists and figures are replaced, which nothing but the committer does.
GRANT SELECT ON
    catalog.product_variant_attributes, catalog.product_tags,
    catalog.product_materials, catalog.product_eco_claims, catalog.product_environment,
    catalog.product_journey_steps, catalog.product_weight,
    catalog.variant_materials, catalog.variant_eco_claims, catalog.variant_environment,
    catalog.variant_journey_steps, catalog.variant_weight,
    catalog.manufacturers, catalog.seasons, catalog.tags, catalog.attributes, catalog.attribute_values,
    catalog.materials, catalog.eco_claims, catalog.facilities
    TO winnow_validator;
GRANT DELETE ON
    catalog.product_tags,
    catalog.product_materials, catalog.product_eco_claims, catalog.product_environment,
    catalog.product_journey_steps, catalog.product_weight,
    catalog.variant_materials, catalog.variant_eco_claims, catalog.variant_environment,
    catalog.variant_journey_steps, catalog.variant_weight
    TO winnow_committer;
