-- Frozen once released: back to what the second migration made.

ALTER TABLE imports.imports
    DROP COLUMN has_exportable_unprocessed, DROP COLUMN unprocessed_object_key, DROP COLUMN read_to_row,
    DROP COLUMN event_source, DROP COLUMN event_id, DROP COLUMN traceparent;
