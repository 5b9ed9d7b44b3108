-- What a person says of a file on the guided path.

-- Which step of it an import is at; null of one that is not guided.
ALTER TABLE imports.imports ADD COLUMN guided_step TEXT;
ALTER TABLE imports.imports ADD CONSTRAINT imports_guided_step_check CHECK (guided_step IN ('map', 'review', 'preview'));

-- How often what its rows say was changed by a person: whoever read them before does not write what came of it.
ALTER TABLE imports.import_chunks ADD COLUMN revision INTEGER DEFAULT '0' NOT NULL;

-- What a value of a column is read as, in every row that has it. Known by a digest: values are as long as cells.
CREATE TABLE imports.replacements (
    import_id UUID NOT NULL,
    column_index INTEGER NOT NULL,
    digest UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    replacement TEXT,
    is_skipped BOOLEAN DEFAULT false NOT NULL,
    rows INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT replacements_pkey PRIMARY KEY (import_id, column_index, digest),
    CONSTRAINT replacements_tenant_id_import_id_fkey FOREIGN KEY (tenant_id, import_id)
        REFERENCES imports.imports (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT replacements_says_one_check CHECK (is_skipped = (replacement IS NULL))
);

-- Mappings that were given a name, offered again where a file has the same headings.
CREATE TABLE imports.saved_mappings (
    tenant_id TEXT COLLATE "C" NOT NULL,
    entity_type TEXT NOT NULL,
    headings UUID NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    fields JSONB NOT NULL,
    formats JSONB DEFAULT '{}'::jsonb NOT NULL,
    user_id TEXT NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT saved_mappings_pkey PRIMARY KEY (tenant_id, entity_type, headings, name)
);

-- The distinct values of a column, the most frequent first. Made again from the rows at any time, so nothing of it need
-- outlive a crash; which columns have theirs is lost with them.
CREATE UNLOGGED TABLE imports.listed_columns (
    import_id UUID NOT NULL,
    column_index INTEGER NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    distinct_values INTEGER NOT NULL,
    filled_rows INTEGER NOT NULL,
    blank_rows INTEGER NOT NULL,
    CONSTRAINT listed_columns_pkey PRIMARY KEY (import_id, column_index)
);
CREATE UNLOGGED TABLE imports.column_values (
    import_id UUID NOT NULL,
    column_index INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    rows INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    CONSTRAINT column_values_pkey PRIMARY KEY (import_id, column_index, rank)
);
CREATE INDEX column_values_import_id_column_index_first_row_idx
    ON imports.column_values (import_id, column_index, first_row);

DO $$
DECLARE
    named TEXT;
BEGIN
    FOREACH named IN ARRAY ARRAY['replacements', 'saved_mappings', 'listed_columns', 'column_values'] LOOP
        EXECUTE format('ALTER TABLE imports.%I ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE imports.%I FORCE ROW LEVEL SECURITY', named);
        EXECUTE format(
            'CREATE POLICY of_one_tenant ON imports.%I '
            'USING (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true))) '
            'WITH CHECK (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true)))',
            named);
    END LOOP;
END
$$;

-- Whoever acts for a person writes them; the stages read rows by them.
GRANT SELECT, INSERT, UPDATE, DELETE ON imports.replacements TO winnow_intake;
GRANT SELECT, INSERT, UPDATE ON imports.saved_mappings TO winnow_intake;
GRANT SELECT ON imports.replacements TO winnow_parser, winnow_validator, winnow_committer, winnow_exporter;
GRANT SELECT ON imports.replacements, imports.saved_mappings, imports.listed_columns, imports.column_values TO winnow_reader;
GRANT SELECT, INSERT ON imports.listed_columns, imports.column_values TO winnow_parser, winnow_intake;
-- Of a guided import that nobody goes on with nothing stays.
GRANT SELECT, DELETE ON imports.replacements, imports.listed_columns, imports.column_values TO winnow_keeper;
-- Its record as well: of no other import can the keeper remove it.
CREATE FUNCTION imports.forget_guided(forgotten UUID) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM imports.imports
     WHERE id = forgotten AND tenant_id = current_setting('winnow.tenant_id', true)
       AND guided_step IS NOT NULL AND status = 'previewing' AND rows_expired_at IS NOT NULL
$$;
REVOKE ALL ON FUNCTION imports.forget_guided(UUID) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION imports.forget_guided(UUID) TO winnow_keeper;
