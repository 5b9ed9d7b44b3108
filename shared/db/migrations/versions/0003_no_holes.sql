-- Frozen once released: what a sender said beside the import itself.

ALTER TABLE imports.imports
    ADD COLUMN event_source TEXT,
    ADD COLUMN event_id TEXT,
    ADD COLUMN traceparent TEXT;
