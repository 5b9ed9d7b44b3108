-- Frozen once released: references carry their tenant. They are looked up past row-level security, which sees no tenant.

ALTER TABLE catalog.attributes ADD CONSTRAINT attributes_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE catalog.manufacturers ADD CONSTRAINT manufacturers_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE catalog.seasons ADD CONSTRAINT seasons_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE imports.imports ADD CONSTRAINT imports_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE catalog.eco_claims ADD CONSTRAINT eco_claims_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE catalog.products ADD CONSTRAINT products_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE catalog.facilities ADD CONSTRAINT facilities_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE catalog.materials ADD CONSTRAINT materials_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE catalog.tags ADD CONSTRAINT tags_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE imports.import_chunks ADD CONSTRAINT import_chunks_tenant_id_import_id_chunk_no_key UNIQUE (tenant_id, import_id, chunk_no);
ALTER TABLE catalog.attribute_values ADD CONSTRAINT attribute_values_tenant_id_attribute_id_id_key UNIQUE (tenant_id, attribute_id, id);
ALTER TABLE catalog.product_variants ADD CONSTRAINT product_variants_tenant_id_id_key UNIQUE (tenant_id, id);
ALTER TABLE catalog.attribute_values
    DROP CONSTRAINT attribute_values_attribute_id_fkey,
    ADD CONSTRAINT attribute_values_tenant_id_attribute_id_fkey FOREIGN KEY (tenant_id, attribute_id)
        REFERENCES catalog.attributes (tenant_id, id) ON DELETE RESTRICT;
ALTER TABLE catalog.products
    DROP CONSTRAINT products_manufacturer_id_fkey,
    DROP CONSTRAINT products_season_id_fkey,
    ADD CONSTRAINT products_tenant_id_manufacturer_id_fkey FOREIGN KEY (tenant_id, manufacturer_id)
        REFERENCES catalog.manufacturers (tenant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT products_tenant_id_season_id_fkey FOREIGN KEY (tenant_id, season_id)
        REFERENCES catalog.seasons (tenant_id, id) ON DELETE RESTRICT;
ALTER TABLE imports.import_chunks
    DROP CONSTRAINT import_chunks_import_id_fkey,
    ADD CONSTRAINT import_chunks_tenant_id_import_id_fkey FOREIGN KEY (tenant_id, import_id)
        REFERENCES imports.imports (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.product_eco_claims
    DROP CONSTRAINT product_eco_claims_eco_claim_id_fkey,
    DROP CONSTRAINT product_eco_claims_product_id_fkey,
    ADD CONSTRAINT product_eco_claims_tenant_id_eco_claim_id_fkey FOREIGN KEY (tenant_id, eco_claim_id)
        REFERENCES catalog.eco_claims (tenant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT product_eco_claims_tenant_id_product_id_fkey FOREIGN KEY (tenant_id, product_id)
        REFERENCES catalog.products (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.product_environment
    DROP CONSTRAINT product_environment_product_id_fkey,
    ADD CONSTRAINT product_environment_tenant_id_product_id_fkey FOREIGN KEY (tenant_id, product_id)
        REFERENCES catalog.products (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.product_journey_steps
    DROP CONSTRAINT product_journey_steps_facility_id_fkey,
    DROP CONSTRAINT product_journey_steps_product_id_fkey,
    ADD CONSTRAINT product_journey_steps_tenant_id_facility_id_fkey FOREIGN KEY (tenant_id, facility_id)
        REFERENCES catalog.facilities (tenant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT product_journey_steps_tenant_id_product_id_fkey FOREIGN KEY (tenant_id, product_id)
        REFERENCES catalog.products (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.product_materials
    DROP CONSTRAINT product_materials_material_id_fkey,
    DROP CONSTRAINT product_materials_product_id_fkey,
    ADD CONSTRAINT product_materials_tenant_id_material_id_fkey FOREIGN KEY (tenant_id, material_id)
        REFERENCES catalog.materials (tenant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT product_materials_tenant_id_product_id_fkey FOREIGN KEY (tenant_id, product_id)
        REFERENCES catalog.products (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.product_tags
    DROP CONSTRAINT product_tags_product_id_fkey,
    DROP CONSTRAINT product_tags_tag_id_fkey,
    ADD CONSTRAINT product_tags_tenant_id_product_id_fkey FOREIGN KEY (tenant_id, product_id)
        REFERENCES catalog.products (tenant_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT product_tags_tenant_id_tag_id_fkey FOREIGN KEY (tenant_id, tag_id)
        REFERENCES catalog.tags (tenant_id, id) ON DELETE RESTRICT;
ALTER TABLE catalog.product_variants
    DROP CONSTRAINT product_variants_product_id_fkey,
    ADD CONSTRAINT product_variants_tenant_id_product_id_fkey FOREIGN KEY (tenant_id, product_id)
        REFERENCES catalog.products (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.product_weight
    DROP CONSTRAINT product_weight_product_id_fkey,
    ADD CONSTRAINT product_weight_tenant_id_product_id_fkey FOREIGN KEY (tenant_id, product_id)
        REFERENCES catalog.products (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE imports.row_errors
    DROP CONSTRAINT row_errors_import_id_chunk_no_fkey,
    ADD CONSTRAINT row_errors_tenant_id_import_id_chunk_no_fkey FOREIGN KEY (tenant_id, import_id, chunk_no)
        REFERENCES imports.import_chunks (tenant_id, import_id, chunk_no) ON DELETE CASCADE;
ALTER TABLE catalog.product_variant_attributes
    DROP CONSTRAINT product_variant_attributes_attribute_id_attribute_value_id_fkey,
    DROP CONSTRAINT product_variant_attributes_variant_id_fkey,
    ADD CONSTRAINT product_variant_attributes_value_fkey FOREIGN KEY (tenant_id, attribute_id, attribute_value_id)
        REFERENCES catalog.attribute_values (tenant_id, attribute_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT product_variant_attributes_tenant_id_variant_id_fkey FOREIGN KEY (tenant_id, variant_id)
        REFERENCES catalog.product_variants (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_eco_claims
    DROP CONSTRAINT variant_eco_claims_eco_claim_id_fkey,
    DROP CONSTRAINT variant_eco_claims_variant_id_fkey,
    ADD CONSTRAINT variant_eco_claims_tenant_id_eco_claim_id_fkey FOREIGN KEY (tenant_id, eco_claim_id)
        REFERENCES catalog.eco_claims (tenant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT variant_eco_claims_tenant_id_variant_id_fkey FOREIGN KEY (tenant_id, variant_id)
        REFERENCES catalog.product_variants (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_environment
    DROP CONSTRAINT variant_environment_variant_id_fkey,
    ADD CONSTRAINT variant_environment_tenant_id_variant_id_fkey FOREIGN KEY (tenant_id, variant_id)
        REFERENCES catalog.product_variants (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_journey_steps
    DROP CONSTRAINT variant_journey_steps_facility_id_fkey,
    DROP CONSTRAINT variant_journey_steps_variant_id_fkey,
    ADD CONSTRAINT variant_journey_steps_tenant_id_facility_id_fkey FOREIGN KEY (tenant_id, facility_id)
        REFERENCES catalog.facilities (tenant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT variant_journey_steps_tenant_id_variant_id_fkey FOREIGN KEY (tenant_id, variant_id)
        REFERENCES catalog.product_variants (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_materials
    DROP CONSTRAINT variant_materials_material_id_fkey,
    DROP CONSTRAINT variant_materials_variant_id_fkey,
    ADD CONSTRAINT variant_materials_tenant_id_material_id_fkey FOREIGN KEY (tenant_id, material_id)
        REFERENCES catalog.materials (tenant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT variant_materials_tenant_id_variant_id_fkey FOREIGN KEY (tenant_id, variant_id)
        REFERENCES catalog.product_variants (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.variant_weight
    DROP CONSTRAINT variant_weight_variant_id_fkey,
    ADD CONSTRAINT variant_weight_tenant_id_variant_id_fkey FOREIGN KEY (tenant_id, variant_id)
        REFERENCES catalog.product_variants (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE catalog.attribute_values DROP CONSTRAINT attribute_values_attribute_id_id_key;
