DROP TRIGGER announce_relative ON imports.imports;
DROP TRIGGER announce_new_relative ON imports.imports;
DROP TRIGGER announce_import ON imports.imports;
DROP TRIGGER announce_chunk ON imports.import_chunks;
DROP FUNCTION imports.announce_relatives();
DROP FUNCTION imports.announce_import();
DROP FUNCTION imports.announce_chunk();
