DROP TABLE imports.row_origins;
ALTER TABLE imports.imports DROP COLUMN asked;
