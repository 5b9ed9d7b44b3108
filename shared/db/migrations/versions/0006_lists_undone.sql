-- The index as it was before.

CREATE INDEX imports_created_at_id_idx ON imports.imports (created_at, id);
