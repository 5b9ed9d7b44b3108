-- Frozen once released: references as the second migration had them.

ALTER TABLE catalog.attribute_values ADD CONSTRAINT attribute_values_attribute_id_id_key UNIQUE (attribute_id, id);
ALTER TABLE catalog.attribute_values
    DROP CONSTRAINT attribute_values_tenant_id_attribute_id_fkey,
    ADD CONSTRAINT attribute_values_attribute_id_fkey FOREIGN KEY (attribute_id)
        REFERENCES catalog.attributes (id) ON DELETE RESTRICT;
ALTER TABLE catalog.products
    DROP CONSTRAINT products_tenant_id_manufacturer_id_fkey,
    DROP CONSTRAINT products_tenant_id_season_id_fkey,
    ADD CONSTRAINT products_manufacturer_id_fkey FOREIGN KEY (manufacturer_id)
        REFERENCES catalog.manufacturers (id) ON DELETE RESTRICT,
    ADD CONSTRAINT products_season_id_fkey FOREIGN KEY (season_id)
        REFERENCES catalog.seasons (id) ON DELETE RESTRICT;
ALTER TABLE imports.import_chunks
    DROP CONSTRAINT import_chunks_tenant_id_import_id_fkey,
    ADD CONSTRAINT import_chunks_import_id_fkey FOREIGN KEY (import_id)
        REFERENCES imports.imports (id) ON DELETE CASCADE;
ALTER TABLE catalog.product_eco_claims
    DROP CONSTRAINT product_eco_claims_tenant_id_eco_claim_id_fkey,
    DROP CONSTRAINT product_eco_claims_tenant_id_product_id_fkey,
    ADD CONSTRAINT product_eco_claims_eco_claim_id_fkey FOREIGN KEY (eco_claim_id)
        REFERENCES catalog.eco_claims (id) ON DELETE RESTRICT,
    ADD CONSTRAINT product_eco_claims_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES catalog.products (id) ON DELETE CASCADE;
ALTER TABLE catalog.product_environment
    DROP CONSTRAINT product_environment_tenant_id_product_id_fkey,
    ADD CONSTRAINT product_environment_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES catalog.products (id) ON DELETE CASCADE;
ALTER TABLE catalog.product_journey_steps
    DROP CONSTRAINT product_journey_steps_tenant_id_facility_id_fkey,
    DROP CONSTRAINT product_journey_steps_tenant_id_product_id_fkey,
    ADD CONSTRAINT product_journey_steps_facility_id_fkey FOREIGN KEY (facility_id)
        REFERENCES catalog.facilities (id) ON DELETE RESTRICT,
    ADD CONSTRAINT product_journey_steps_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES catalog.products (id) ON DELETE CASCADE;
ALTER TABLE catalog.product_materials
    DROP CONSTRAINT product_materials_tenant_id_material_id_fkey,
    DROP CONSTRAINT product_materials_tenant_id_product_id_fkey,
    ADD CONSTRAINT product_materials_material_id_fkey FOREIGN KEY (material_id)
        REFERENCES catalog.materials (id) ON DELETE RESTRICT,
    ADD CONSTRAINT product_materials_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES catalog.products (id) ON DELETE CASCADE;
ALTER TABLE catalog.product_tags
    DROP CONSTRAINT product_tags_tenant_id_product_id_fkey,
    DROP CONSTRAINT product_tags_tenant_id_tag_id_fkey,
    ADD CONSTRAINT product_tags_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES catalog.products (id) ON DELETE CASCADE,
    ADD CONSTRAINT product_tags_tag_id_fkey FOREIGN KEY (tag_id)
        REFERENCES catalog.tags (id) ON DELETE RESTRICT;
ALTER TABLE catalog.product_variants
    DROP CONSTRAINT product_variants_tenant_id_product_id_fkey,
    ADD CONSTRAINT product_variants_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES catalog.products (id) ON DELETE CASCADE;
ALTER TABLE catalog.product_weight
    DROP CONSTRAINT product_weight_tenant_id_product_id_fkey,
    ADD CONSTRAINT product_weight_product_id_fkey FOREIGN KEY (product_id)
        REFERENCES catalog.products (id) ON DELETE CASCADE;
ALTER TABLE imports.row_errors
    DROP CONSTRAINT row_errors_tenant_id_import_id_chunk_no_fkey,
    ADD CONSTRAINT row_errors_import_id_chunk_no_fkey FOREIGN KEY (import_id, chunk_no)
        REFERENCES imports.import_chunks (import_id, chunk_no) ON DELETE CASCADE;
ALTER TABLE catalog.product_variant_attributes
    DROP CONSTRAINT product_variant_attributes_value_fkey,
    DROP CONSTRAINT product_variant_attributes_tenant_id_variant_id_fkey,
    ADD CONSTRAINT product_variant_attributes_attribute_id_attribute_value_id_fkey FOREIGN KEY (attribute_id, attribute_value_id)
        REFERENCES catalog.attribute_values (attribute_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT product_variant_attributes_variant_id_fkey FOREIGN KEY (variant_id)
        REFERENCES catalog.product_variants (id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_eco_claims
    DROP CONSTRAINT variant_eco_claims_tenant_id_eco_claim_id_fkey,
    DROP CONSTRAINT variant_eco_claims_tenant_id_variant_id_fkey,
    ADD CONSTRAINT variant_eco_claims_eco_claim_id_fkey FOREIGN KEY (eco_claim_id)
        REFERENCES catalog.eco_claims (id) ON DELETE RESTRICT,
    ADD CONSTRAINT variant_eco_claims_variant_id_fkey FOREIGN KEY (variant_id)
        REFERENCES catalog.product_variants (id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_environment
    DROP CONSTRAINT variant_environment_tenant_id_variant_id_fkey,
    ADD CONSTRAINT variant_environment_variant_id_fkey FOREIGN KEY (variant_id)
        REFERENCES catalog.product_variants (id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_journey_steps
    DROP CONSTRAINT variant_journey_steps_tenant_id_facility_id_fkey,
    DROP CONSTRAINT variant_journey_steps_tenant_id_variant_id_fkey,
    ADD CONSTRAINT variant_journey_steps_facility_id_fkey FOREIGN KEY (facility_id)
        REFERENCES catalog.facilities (id) ON DELETE RESTRICT,
    ADD CONSTRAINT variant_journey_steps_variant_id_fkey FOREIGN KEY (variant_id)
        REFERENCES catalog.product_variants (id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_materials
    DROP CONSTRAINT variant_materials_tenant_id_material_id_fkey,
    DROP CONSTRAINT variant_materials_tenant_id_variant_id_fkey,
    ADD CONSTRAINT variant_materials_material_id_fkey FOREIGN KEY (material_id)
        REFERENCES catalog.materials (id) ON DELETE RESTRICT,
    ADD CONSTRAINT variant_materials_variant_id_fkey FOREIGN KEY (variant_id)
        REFERENCES catalog.product_variants (id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_weight
    DROP CONSTRAINT variant_weight_tenant_id_variant_id_fkey,
    ADD CONSTRAINT variant_weight_variant_id_fkey FOREIGN KEY (variant_id)
        REFERENCES catalog.product_variants (id) ON DELETE CASCADE;
ALTER TABLE catalog.attributes DROP CONSTRAINT attributes_tenant_id_id_key;
ALTER TABLE catalog.manufacturers DROP CONSTRAINT manufacturers_tenant_id_id_key;
ALTER TABLE catalog.seasons DROP CONSTRAINT seasons_tenant_id_id_key;
ALTER TABLE imports.imports DROP CONSTRAINT imports_tenant_id_id_key;
ALTER TABLE catalog.eco_claims DROP CONSTRAINT eco_claims_tenant_id_id_key;
ALTER TABLE catalog.products DROP CONSTRAINT products_tenant_id_id_key;
ALTER TABLE catalog.facilities DROP CONSTRAINT facilities_tenant_id_id_key;
ALTER TABLE catalog.materials DROP CONSTRAINT materials_tenant_id_id_key;
ALTER TABLE catalog.tags DROP CONSTRAINT tags_tenant_id_id_key;
ALTER TABLE imports.import_chunks DROP CONSTRAINT import_chunks_tenant_id_import_id_chunk_no_key;
ALTER TABLE catalog.attribute_values DROP CONSTRAINT attribute_values_tenant_id_attribute_id_id_key;
ALTER TABLE catalog.product_variants DROP CONSTRAINT product_variants_tenant_id_id_key;
