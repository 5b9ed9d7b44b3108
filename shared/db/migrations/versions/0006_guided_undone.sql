-- What a person says of a file on the guided path.

DROP FUNCTION imports.forget_guided(UUID);
DROP TABLE imports.column_values;
DROP TABLE imports.listed_columns;
DROP TABLE imports.saved_mappings;
DROP TABLE imports.replacements;
ALTER TABLE imports.import_chunks DROP COLUMN revision;
ALTER TABLE imports.imports DROP COLUMN guided_step;
