-- Frozen: back to what the first migration made. Imports that are held would be lost to it: start or cancel them first.

DROP TABLE staging.groups;
DROP TABLE imports.tenants;
ALTER TABLE imports.outbox DROP CONSTRAINT outbox_import_id_topic_chunk_no_epoch_key;
ALTER TABLE imports.outbox DROP COLUMN epoch;
ALTER TABLE imports.outbox ADD CONSTRAINT outbox_import_id_topic_chunk_no_key UNIQUE (import_id, topic, chunk_no);
ALTER TABLE imports.import_chunks DROP CONSTRAINT import_chunks_state_check;
ALTER TABLE imports.import_chunks ADD CONSTRAINT import_chunks_state_check
    CHECK (state IN ('staged', 'validated', 'committed', 'quarantined'));
ALTER TABLE imports.import_chunks DROP CONSTRAINT import_chunks_ledger_closes_check;
ALTER TABLE imports.import_chunks ADD CONSTRAINT import_chunks_ledger_closes_check
    CHECK (state IN ('staged', 'validated') OR row_count = created + updated + skipped + failed);
ALTER TABLE imports.import_chunks DROP COLUMN epoch;
DROP INDEX imports.imports_parent_import_id_idx;
ALTER TABLE imports.imports
    DROP CONSTRAINT imports_epoch_check,
    DROP COLUMN epoch, DROP COLUMN hold, DROP COLUMN read_at, DROP COLUMN resumed_at, DROP COLUMN cancelled_at,
    DROP COLUMN worked_seconds;
