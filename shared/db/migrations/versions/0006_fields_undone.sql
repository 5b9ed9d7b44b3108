-- Fields of a tenant's own, their options, the people who work there, and how a tenant writes values.

ALTER TABLE imports.imports DROP COLUMN own;
DROP TABLE crm.settings;
DROP TABLE crm.members;
DROP TABLE crm.options;
DROP TABLE crm.custom_fields;
