-- Frozen once released: nothing is said of what was removed.

REVOKE SELECT, DELETE ON catalog.changes FROM winnow_keeper;
REVOKE USAGE ON SCHEMA catalog FROM winnow_keeper;
REVOKE DELETE ON imports.raw_rows FROM winnow_keeper;
DROP TABLE imports.erasures;
DROP INDEX imports.imports_tenant_id_object_key_idx;
DROP INDEX imports.imports_undoes_import_id_idx;
DROP INDEX imports.imports_completed_at_idx;
ALTER TABLE imports.imports
    DROP COLUMN staged_removed_at,
    DROP COLUMN rows_expired_at,
    DROP COLUMN rows_removed_at,
    DROP COLUMN upload_removed_at,
    DROP COLUMN results_removed_at;
