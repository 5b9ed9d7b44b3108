-- Frozen once released: what was removed of an import whose record stays, and which tenants were erased.

ALTER TABLE imports.imports
    ADD COLUMN staged_removed_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN rows_expired_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN rows_removed_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN upload_removed_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN results_removed_at TIMESTAMP WITH TIME ZONE;

-- Ended imports of which something is still kept, oldest first; and whose an object is.
CREATE INDEX imports_completed_at_idx ON imports.imports (completed_at)
    WHERE staged_removed_at IS NULL OR rows_removed_at IS NULL OR upload_removed_at IS NULL OR results_removed_at IS NULL;
CREATE INDEX imports_undoes_import_id_idx ON imports.imports (undoes_import_id) WHERE undoes_import_id IS NOT NULL;
CREATE INDEX imports_tenant_id_object_key_idx ON imports.imports (tenant_id, object_key);

-- That a tenant was erased outlives the tenant: no column is called tenant_id, so that erasing it again leaves it.
CREATE TABLE imports.erasures (
    id UUID NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    asked_by TEXT NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    erased JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT erasures_pkey PRIMARY KEY (id)
);
CREATE INDEX erasures_tenant_idx ON imports.erasures (tenant);
GRANT SELECT ON imports.erasures TO winnow_operator;

-- What the keeper removes by age. It has the ledger, the errors and the typed rows already.
GRANT DELETE ON imports.raw_rows TO winnow_keeper;
GRANT USAGE ON SCHEMA catalog TO winnow_keeper;
GRANT SELECT, DELETE ON catalog.changes TO winnow_keeper;
