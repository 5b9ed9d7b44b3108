-- Lists of rows and of imports go through all there are again.

DROP INDEX imports.row_errors_import_id_group_row_idx;
DROP INDEX imports.imports_created_at_id_idx;
