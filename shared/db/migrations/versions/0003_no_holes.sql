-- Frozen once released: what a sender said beside the import itself.

ALTER TABLE imports.imports
    ADD COLUMN event_source TEXT,
    ADD COLUMN event_id TEXT,
    ADD COLUMN traceparent TEXT;

-- Rows that were neither imported nor refused are handed back, and it is said how far a file was read.
ALTER TABLE imports.imports
    ADD COLUMN has_exportable_unprocessed BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN unprocessed_object_key TEXT,
    ADD COLUMN read_to_row INTEGER;
