-- Frozen once released: whether a file was imported before is looked up for every file that comes in.

CREATE INDEX imports_tenant_id_file_sha256_idx ON imports.imports (tenant_id, file_sha256);
