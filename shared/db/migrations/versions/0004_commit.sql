-- Frozen once released: what the committer needs to tell its own changes of a product from others'.

ALTER TABLE catalog.products
    ADD COLUMN version_import_id UUID,
    ADD COLUMN version_since INTEGER DEFAULT 1 NOT NULL;
