-- Frozen once released: back to what the second migration made.

ALTER TABLE imports.imports
    DROP COLUMN event_source, DROP COLUMN event_id, DROP COLUMN traceparent;
