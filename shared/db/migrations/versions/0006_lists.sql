-- Lists of imports are a tenant's own. In the order of all tenants' imports a page of one would go through everybody else's.

DROP INDEX imports.imports_created_at_id_idx;
