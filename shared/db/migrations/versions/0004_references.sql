-- Frozen once released: what a row names of its tenant's entities is looked up once a statement.

-- A foreign key looks its row up, and locks it, for each row that is written: a quarter of what a commit cost, most of it
-- for the same few entities again and again. These triggers hold what the keys held. Owners keep their foreign keys.
CREATE VIEW catalog.entity_references AS
SELECT name, referring, columns, entity, keys
  FROM (VALUES
        ('attribute_values_tenant_id_attribute_id_fkey',
         'attribute_values', ARRAY['tenant_id', 'attribute_id'], 'attributes', ARRAY['tenant_id', 'id']),
        ('products_tenant_id_manufacturer_id_fkey',
         'products', ARRAY['tenant_id', 'manufacturer_id'], 'manufacturers', ARRAY['tenant_id', 'id']),
        ('products_tenant_id_season_id_fkey',
         'products', ARRAY['tenant_id', 'season_id'], 'seasons', ARRAY['tenant_id', 'id']),
        ('product_variant_attributes_value_fkey',
         'product_variant_attributes', ARRAY['tenant_id', 'attribute_id', 'attribute_value_id'],
         'attribute_values', ARRAY['tenant_id', 'attribute_id', 'id']),
        ('product_tags_tenant_id_tag_id_fkey',
         'product_tags', ARRAY['tenant_id', 'tag_id'], 'tags', ARRAY['tenant_id', 'id']),
        ('product_materials_tenant_id_material_id_fkey',
         'product_materials', ARRAY['tenant_id', 'material_id'], 'materials', ARRAY['tenant_id', 'id']),
        ('variant_materials_tenant_id_material_id_fkey',
         'variant_materials', ARRAY['tenant_id', 'material_id'], 'materials', ARRAY['tenant_id', 'id']),
        ('product_eco_claims_tenant_id_eco_claim_id_fkey',
         'product_eco_claims', ARRAY['tenant_id', 'eco_claim_id'], 'eco_claims', ARRAY['tenant_id', 'id']),
        ('variant_eco_claims_tenant_id_eco_claim_id_fkey',
         'variant_eco_claims', ARRAY['tenant_id', 'eco_claim_id'], 'eco_claims', ARRAY['tenant_id', 'id']),
        ('product_journey_steps_tenant_id_facility_id_fkey',
         'product_journey_steps', ARRAY['tenant_id', 'facility_id'], 'facilities', ARRAY['tenant_id', 'id']),
        ('variant_journey_steps_tenant_id_facility_id_fkey',
         'variant_journey_steps', ARRAY['tenant_id', 'facility_id'], 'facilities', ARRAY['tenant_id', 'id'])
       ) AS known (name, referring, columns, entity, keys);

DO $$
DECLARE
    r record;
    named text;
    said text;
    same text;
BEGIN
    FOR r IN
        SELECT * FROM catalog.entity_references
    LOOP
        SELECT string_agg(quote_ident(c), ', '),
               string_agg(format('%I IS NOT NULL', c), ' AND '),
               string_agg(format('e.%I = w.%I', k, c), ' AND ')
          INTO named, said, same
          FROM unnest(r.columns, r.keys) AS pair (c, k);

        -- What is found stays until this transaction ends, as with a foreign key. Whoever writes may set the tenant; a row
        -- of another one is not found. One entity after the other by its key: joined otherwise, all that a tenant has would
        -- be read for a few rows.
        EXECUTE format(
            'CREATE FUNCTION catalog.%1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER '
            'SET search_path = pg_catalog, pg_temp '
            'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS '
            '$body$ '
            'DECLARE '
            '    v_named bigint; '
            '    v_found bigint; '
            'BEGIN '
            '    WITH named AS MATERIALIZED (SELECT DISTINCT %2$s FROM written WHERE %3$s), '
            '         found AS MATERIALIZED (SELECT e.id FROM named w JOIN catalog.%4$I e ON %5$s '
            '                                 ORDER BY e.id FOR KEY SHARE OF e) '
            '    SELECT (SELECT count(*) FROM named), (SELECT count(*) FROM found) INTO v_named, v_found; '
            '    IF v_named <> v_found THEN '
            '        RAISE foreign_key_violation USING MESSAGE = '
            '            ''insert or update on table "%6$s" violates foreign key constraint "%1$s"'', '
            '            DETAIL = ''A row names what is not there, or not its tenant''''s, in "%4$s".'', '
            '            SCHEMA = ''catalog'', TABLE = ''%6$s'', CONSTRAINT = ''%1$s''; '
            '    END IF; '
            '    RETURN NULL; '
            'END $body$', r.name, named, said, r.entity, same, r.referring);
        EXECUTE format('ALTER TABLE catalog.%I DROP CONSTRAINT %I', r.referring, r.name);
        EXECUTE format(
            'CREATE TRIGGER %I AFTER INSERT ON catalog.%I REFERENCING NEW TABLE AS written '
            'FOR EACH STATEMENT EXECUTE FUNCTION catalog.%I()', r.name || '_insert', r.referring, r.name);
        EXECUTE format(
            'CREATE TRIGGER %I AFTER UPDATE ON catalog.%I REFERENCING NEW TABLE AS written '
            'FOR EACH STATEMENT EXECUTE FUNCTION catalog.%I()', r.name || '_update', r.referring, r.name);

        -- Whoever was writing such a row has ended by now: its entity was locked.
        EXECUTE format(
            'CREATE FUNCTION catalog.%1$I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER '
            'SET search_path = pg_catalog, pg_temp AS '
            '$body$ '
            'BEGIN '
            '    IF EXISTS (SELECT FROM removed e JOIN catalog.%2$I w ON %3$s) THEN '
            '        RAISE foreign_key_violation USING MESSAGE = '
            '            ''update or delete on table "%4$s" violates foreign key constraint "%5$s" on table "%2$s"'', '
            '            SCHEMA = ''catalog'', TABLE = ''%2$s'', CONSTRAINT = ''%5$s''; '
            '    END IF; '
            '    RETURN NULL; '
            'END $body$', r.name || '_kept', r.referring, same, r.entity, r.name);
        EXECUTE format(
            'CREATE TRIGGER %I AFTER DELETE ON catalog.%I REFERENCING OLD TABLE AS removed '
            'FOR EACH STATEMENT EXECUTE FUNCTION catalog.%I()', r.name || '_kept', r.entity, r.name || '_kept');
    END LOOP;
END
$$;

CREATE FUNCTION catalog.key_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = format('what rows of "%s" are referred to by does not change', TG_TABLE_NAME);
END
$$;
DO $$
DECLARE
    entity text;
BEGIN
    FOREACH entity IN ARRAY ARRAY['manufacturers', 'seasons', 'tags', 'attributes', 'materials', 'eco_claims', 'facilities']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER key_stays BEFORE UPDATE ON catalog.%I FOR EACH ROW '
            'WHEN ((OLD.tenant_id, OLD.id) IS DISTINCT FROM (NEW.tenant_id, NEW.id)) '
            'EXECUTE FUNCTION catalog.key_stays()', entity);
    END LOOP;
END
$$;
CREATE TRIGGER key_stays BEFORE UPDATE ON catalog.attribute_values FOR EACH ROW
    WHEN ((OLD.tenant_id, OLD.attribute_id, OLD.id) IS DISTINCT FROM (NEW.tenant_id, NEW.attribute_id, NEW.id))
    EXECUTE FUNCTION catalog.key_stays();
