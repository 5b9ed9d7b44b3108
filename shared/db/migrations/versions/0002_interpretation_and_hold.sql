-- Frozen: interpretations with a number, imports that are held, groups between validator and committer, tenants.

ALTER TABLE imports.imports
    ADD COLUMN epoch INTEGER DEFAULT '1' NOT NULL,
    ADD COLUMN hold BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN read_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN resumed_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN cancelled_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN worked_seconds NUMERIC(12, 3) DEFAULT '0' NOT NULL;
ALTER TABLE imports.imports ADD CONSTRAINT imports_epoch_check CHECK (epoch >= 1);
CREATE INDEX imports_parent_import_id_idx ON imports.imports (parent_import_id);

ALTER TABLE imports.import_chunks ADD COLUMN epoch INTEGER DEFAULT '1' NOT NULL;
ALTER TABLE imports.import_chunks DROP CONSTRAINT import_chunks_state_check;
ALTER TABLE imports.import_chunks ADD CONSTRAINT import_chunks_state_check
    CHECK (state IN ('staged', 'validated', 'committed', 'quarantined', 'cancelled'));
ALTER TABLE imports.import_chunks DROP CONSTRAINT import_chunks_ledger_closes_check;
ALTER TABLE imports.import_chunks ADD CONSTRAINT import_chunks_ledger_closes_check
    CHECK (state IN ('staged', 'validated', 'cancelled') OR row_count = created + updated + skipped + failed);

ALTER TABLE imports.outbox ADD COLUMN epoch INTEGER DEFAULT '1' NOT NULL;
ALTER TABLE imports.outbox DROP CONSTRAINT outbox_import_id_topic_chunk_no_key;
ALTER TABLE imports.outbox ADD CONSTRAINT outbox_import_id_topic_chunk_no_epoch_key
    UNIQUE (import_id, topic, chunk_no, epoch);

CREATE TABLE imports.tenants (
    tenant_id TEXT COLLATE "C" NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id)
);

CREATE TABLE staging.groups (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    action TEXT NOT NULL,
    target_id UUID,
    status TEXT DEFAULT 'pending' NOT NULL,
    CONSTRAINT groups_pkey PRIMARY KEY (import_id, chunk_no, group_row),
    CONSTRAINT groups_action_check CHECK (action IN ('create', 'update', 'skip')),
    CONSTRAINT groups_status_check CHECK (status IN ('pending', 'failed')),
    CONSTRAINT groups_rows_check CHECK (row_count > 0)
);

-- Who may do what, and row-level security, for what is new.
GRANT USAGE ON SCHEMA imports, staging TO winnow_intake;
GRANT SELECT, INSERT, UPDATE ON imports.imports TO winnow_intake;
GRANT SELECT, UPDATE, DELETE ON imports.import_chunks TO winnow_intake;
GRANT SELECT ON imports.raw_rows TO winnow_intake;
GRANT SELECT, DELETE ON imports.row_errors TO winnow_intake;
GRANT SELECT, INSERT, UPDATE, DELETE ON imports.outbox TO winnow_intake;
GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA staging TO winnow_intake;
GRANT SELECT, INSERT ON imports.tenants TO winnow_intake, winnow_parser;
GRANT SELECT ON imports.tenants TO winnow_reader, winnow_operator;
GRANT SELECT, UPDATE ON imports.raw_rows TO winnow_parser;
GRANT DELETE ON imports.row_errors TO winnow_validator;
-- Whoever fails or cancels an import takes back what was validated of it and not committed.
GRANT USAGE ON SCHEMA staging TO winnow_parser, winnow_keeper;
GRANT UPDATE ON imports.import_chunks TO winnow_parser;
GRANT SELECT, DELETE ON imports.row_errors TO winnow_parser, winnow_keeper;
GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA staging TO winnow_parser, winnow_keeper;
GRANT DELETE ON ALL TABLES IN SCHEMA staging TO winnow_validator;
GRANT SELECT, INSERT ON staging.groups TO winnow_validator;
GRANT SELECT, UPDATE, DELETE ON staging.groups TO winnow_committer;
GRANT SELECT ON staging.groups TO winnow_reader, winnow_operator;

DO $$
DECLARE
    named record;
BEGIN
    FOR named IN SELECT * FROM (VALUES ('imports', 'tenants'), ('staging', 'groups')) AS t (schema_name, table_name)
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
-- A misspelt tenant is answered with the nearest name, and operators list them: names only, never a row of a file.
CREATE POLICY seen_by_operators ON imports.tenants FOR SELECT TO winnow_operator, winnow_intake, winnow_parser USING (true);

-- Whoever has imports is a tenant. The owner of a table sees all of it only while security is not forced on it.
ALTER TABLE imports.imports NO FORCE ROW LEVEL SECURITY;
ALTER TABLE imports.tenants NO FORCE ROW LEVEL SECURITY;
INSERT INTO imports.tenants (tenant_id, registered_at)
SELECT tenant_id, min(created_at) FROM imports.imports GROUP BY tenant_id;
UPDATE imports.imports SET read_at = parsed_at WHERE parsed_at IS NOT NULL;
-- Chunks that wait for their commit, or may be taken up again for it, are counted by their groups from now on.
ALTER TABLE imports.raw_rows NO FORCE ROW LEVEL SECURITY;
ALTER TABLE imports.import_chunks NO FORCE ROW LEVEL SECURITY;
ALTER TABLE imports.row_errors NO FORCE ROW LEVEL SECURITY;
ALTER TABLE staging.groups NO FORCE ROW LEVEL SECURITY;
INSERT INTO staging.groups (tenant_id, import_id, chunk_no, group_row, row_count, action, status)
SELECT r.tenant_id, r.import_id, r.chunk_no, r.group_row, count(*), 'create',
       CASE WHEN EXISTS (SELECT FROM imports.row_errors e
                          WHERE e.import_id = r.import_id AND e.chunk_no = r.chunk_no AND e.group_row = r.group_row
                            AND e.code <> 'internal')
            THEN 'failed' ELSE 'pending' END
  FROM imports.import_chunks c
  JOIN imports.raw_rows r ON r.import_id = c.import_id AND r.row_no BETWEEN c.first_row AND c.last_row
                         AND r.chunk_no = c.chunk_no
 WHERE c.state IN ('validated', 'quarantined')
 GROUP BY r.tenant_id, r.import_id, r.chunk_no, r.group_row;
ALTER TABLE imports.raw_rows FORCE ROW LEVEL SECURITY;
ALTER TABLE imports.import_chunks FORCE ROW LEVEL SECURITY;
ALTER TABLE imports.row_errors FORCE ROW LEVEL SECURITY;
ALTER TABLE staging.groups FORCE ROW LEVEL SECURITY;
ALTER TABLE imports.imports FORCE ROW LEVEL SECURITY;
ALTER TABLE imports.tenants FORCE ROW LEVEL SECURITY;
