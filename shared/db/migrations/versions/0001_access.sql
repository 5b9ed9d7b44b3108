-- Frozen: who may do what after the first migration. No role owns anything, is a superuser, or bypasses row security.

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA imports TO winnow_parser, winnow_validator, winnow_committer, winnow_exporter, winnow_keeper,
    winnow_reader, winnow_operator, winnow_relay;
GRANT USAGE ON SCHEMA staging TO winnow_validator, winnow_committer, winnow_reader, winnow_operator;
GRANT USAGE ON SCHEMA catalog TO winnow_validator, winnow_committer, winnow_reader, winnow_operator;

-- The ledger: every stage may end an import or give a chunk up.
GRANT SELECT, INSERT, UPDATE ON imports.imports TO winnow_parser;
GRANT SELECT, UPDATE ON imports.imports TO winnow_validator, winnow_committer, winnow_exporter, winnow_keeper;
GRANT SELECT, INSERT ON imports.import_chunks TO winnow_parser;
GRANT SELECT, UPDATE ON imports.import_chunks TO winnow_validator, winnow_committer, winnow_keeper;
GRANT SELECT ON imports.import_chunks TO winnow_exporter;
GRANT INSERT ON imports.raw_rows TO winnow_parser;
GRANT SELECT ON imports.raw_rows TO winnow_validator, winnow_committer, winnow_exporter, winnow_keeper;
GRANT SELECT, INSERT ON imports.row_errors TO winnow_validator, winnow_keeper;
GRANT SELECT, INSERT, DELETE ON imports.row_errors TO winnow_committer;
GRANT SELECT ON imports.row_errors TO winnow_exporter;
GRANT SELECT, INSERT, UPDATE, DELETE ON imports.outbox TO winnow_parser, winnow_validator, winnow_committer,
    winnow_exporter, winnow_keeper;
GRANT SELECT, UPDATE, DELETE ON imports.outbox TO winnow_relay;
GRANT SELECT ON imports.imports, imports.import_chunks, imports.raw_rows, imports.row_errors
    TO winnow_reader, winnow_operator;
GRANT SELECT ON imports.outbox TO winnow_operator;

GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA staging TO winnow_validator;
GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA staging TO winnow_committer;
GRANT SELECT ON ALL TABLES IN SCHEMA staging TO winnow_reader, winnow_operator;

GRANT SELECT ON catalog.products, catalog.product_variants, catalog.taxonomy_categories TO winnow_validator;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA catalog TO winnow_committer;
REVOKE INSERT, UPDATE ON catalog.taxonomy_categories FROM winnow_committer;
GRANT SELECT ON ALL TABLES IN SCHEMA catalog TO winnow_reader, winnow_operator;

-- Row-level security on every table that has a tenant: a transaction sees and writes one tenant's rows.
DO $$
DECLARE
    named record;
BEGIN
    FOR named IN
        SELECT c.table_schema, c.table_name
          FROM information_schema.columns c
          JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE'
           AND c.table_schema IN ('imports', 'catalog', 'staging')
    LOOP
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', named.table_schema, named.table_name);
        EXECUTE format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', named.table_schema, named.table_name);
        EXECUTE format(
            'CREATE POLICY of_one_tenant ON %I.%I '
            'USING (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true))) '
            'WITH CHECK (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true)))',
            named.table_schema, named.table_name);
    END LOOP;
END
$$;

-- The relay publishes for all tenants and sees nothing but the outbox; operators and the keeper see the ledger, no rows.
CREATE POLICY of_all_tenants ON imports.outbox TO winnow_relay USING (true) WITH CHECK (true);
CREATE POLICY seen_by_operators ON imports.imports FOR SELECT TO winnow_operator, winnow_keeper USING (true);
CREATE POLICY seen_by_operators ON imports.import_chunks FOR SELECT TO winnow_operator, winnow_keeper USING (true);
CREATE POLICY seen_by_operators ON imports.outbox FOR SELECT TO winnow_operator, winnow_keeper USING (true);
