DO $$
DECLARE
    r record;
BEGIN
    FOR r IN
        SELECT * FROM catalog.entity_references
    LOOP
        EXECUTE format('DROP FUNCTION catalog.%I() CASCADE', r.name);
        EXECUTE format('DROP FUNCTION catalog.%I() CASCADE', r.name || '_kept');
        EXECUTE format('ALTER TABLE catalog.%I ADD CONSTRAINT %I FOREIGN KEY (%s) REFERENCES catalog.%I (%s) ON DELETE RESTRICT',
                       r.referring, r.name, array_to_string(r.columns, ', '), r.entity, array_to_string(r.keys, ', '));
    END LOOP;
END
$$;
DROP FUNCTION catalog.key_stays() CASCADE;
DROP VIEW catalog.entity_references;
