-- Records, what they are known by, their links; where they wait for their commit.
DROP TABLE staging.crm_links;
DROP TABLE staging.crm_identifiers;
DROP TABLE staging.crm_records;
DROP TABLE crm.links;
DROP TABLE crm.identifiers;
DROP TABLE crm.records;
DROP FUNCTION crm.links_refer();
DROP FUNCTION crm.forget_identifiers();
DROP SCHEMA crm;
DROP INDEX catalog.changes_import_id_record_id_idx;
ALTER TABLE catalog.changes NO FORCE ROW LEVEL SECURITY;
DELETE FROM catalog.changes WHERE record NOT IN ('product', 'variant');
ALTER TABLE catalog.changes FORCE ROW LEVEL SECURITY;
ALTER TABLE catalog.changes DROP CONSTRAINT changes_record_check;
ALTER TABLE catalog.changes ADD CONSTRAINT changes_record_check CHECK (record IN ('product', 'variant'));
