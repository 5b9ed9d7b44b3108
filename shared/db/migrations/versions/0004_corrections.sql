-- Frozen once released: files that come back repaired, and what of them is in production now.

-- What an upload asked for (mode, options) of an import that was made otherwise: as its parent was.
ALTER TABLE imports.imports ADD COLUMN asked JSONB;

-- By row of a correction file: the row of an earlier import that it repairs, and whether it went into production. Written when
-- the import ends, and kept with it: rows and their errors go after a time.
CREATE TABLE imports.row_origins (
    import_id UUID NOT NULL,
    row_no INTEGER NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    origin_import_id UUID NOT NULL,
    origin_row INTEGER NOT NULL,
    in_production BOOLEAN NOT NULL,
    CONSTRAINT row_origins_pkey PRIMARY KEY (import_id, row_no),
    CONSTRAINT row_origins_tenant_id_import_id_fkey FOREIGN KEY (tenant_id, import_id)
        REFERENCES imports.imports (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX row_origins_origin_import_id_origin_row_idx ON imports.row_origins (origin_import_id, origin_row);

ALTER TABLE imports.row_origins ENABLE ROW LEVEL SECURITY;
ALTER TABLE imports.row_origins FORCE ROW LEVEL SECURITY;
CREATE POLICY of_one_tenant ON imports.row_origins
    USING (tenant_id = (SELECT current_setting('winnow.tenant_id', true)))
    WITH CHECK (tenant_id = (SELECT current_setting('winnow.tenant_id', true)));

-- Whoever may end an import.
GRANT SELECT, INSERT, UPDATE (in_production), DELETE ON imports.row_origins
    TO winnow_parser, winnow_validator, winnow_committer, winnow_keeper, winnow_intake;
GRANT SELECT ON imports.row_origins TO winnow_reader, winnow_operator;
