-- Lists of imports and of rows: what their pages are found by, however far down.

CREATE INDEX imports_created_at_id_idx ON imports.imports (created_at, id);
CREATE INDEX row_errors_import_id_group_row_idx ON imports.row_errors (import_id, group_row);
