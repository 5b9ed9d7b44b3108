ALTER TABLE catalog.products
    DROP COLUMN version_import_id,
    DROP COLUMN version_since;
