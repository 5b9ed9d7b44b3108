-- Frozen: what the first migration makes. Later changes are later migrations.

CREATE SCHEMA imports;
CREATE SCHEMA catalog;
CREATE SCHEMA staging;

CREATE TABLE catalog.attributes (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT attributes_pkey PRIMARY KEY (id),
    CONSTRAINT attributes_tenant_id_name_key_key UNIQUE (tenant_id, name_key),
    CONSTRAINT attributes_named_check CHECK (name_key <> '')
);

CREATE TABLE catalog.eco_claims (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT eco_claims_pkey PRIMARY KEY (id),
    CONSTRAINT eco_claims_tenant_id_name_key_key UNIQUE (tenant_id, name_key),
    CONSTRAINT eco_claims_named_check CHECK (name_key <> '')
);

CREATE TABLE catalog.facilities (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT facilities_pkey PRIMARY KEY (id),
    CONSTRAINT facilities_tenant_id_name_key_key UNIQUE (tenant_id, name_key),
    CONSTRAINT facilities_named_check CHECK (name_key <> '')
);

CREATE TABLE catalog.manufacturers (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT manufacturers_pkey PRIMARY KEY (id),
    CONSTRAINT manufacturers_tenant_id_name_key_key UNIQUE (tenant_id, name_key),
    CONSTRAINT manufacturers_named_check CHECK (name_key <> '')
);

CREATE TABLE catalog.materials (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT materials_pkey PRIMARY KEY (id),
    CONSTRAINT materials_tenant_id_name_key_key UNIQUE (tenant_id, name_key),
    CONSTRAINT materials_named_check CHECK (name_key <> '')
);

CREATE TABLE catalog.seasons (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT seasons_pkey PRIMARY KEY (id),
    CONSTRAINT seasons_tenant_id_name_key_key UNIQUE (tenant_id, name_key),
    CONSTRAINT seasons_named_check CHECK (name_key <> '')
);

CREATE TABLE catalog.tags (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT tags_pkey PRIMARY KEY (id),
    CONSTRAINT tags_tenant_id_name_key_key UNIQUE (tenant_id, name_key),
    CONSTRAINT tags_named_check CHECK (name_key <> '')
);

CREATE TABLE catalog.taxonomy_categories (
    id BIGINT NOT NULL,
    parent_id BIGINT,
    name TEXT NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    depth SMALLINT NOT NULL,
    CONSTRAINT taxonomy_categories_pkey PRIMARY KEY (id),
    CONSTRAINT taxonomy_categories_depth_check CHECK ((parent_id IS NULL) = (depth = 1)),
    CONSTRAINT taxonomy_categories_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES catalog.taxonomy_categories (id) ON DELETE RESTRICT,
    CONSTRAINT taxonomy_categories_path_key UNIQUE (path)
);

CREATE TABLE imports.imports (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    mode TEXT NOT NULL,
    status TEXT NOT NULL,
    file_name TEXT NOT NULL,
    object_key TEXT NOT NULL,
    file_size BIGINT,
    file_sha256 TEXT,
    idempotency_key TEXT COLLATE "C",
    headers JSONB DEFAULT '[]'::jsonb NOT NULL,
    column_mappings JSONB DEFAULT '{}'::jsonb NOT NULL,
    layout JSONB,
    notices JSONB DEFAULT '[]'::jsonb NOT NULL,
    options JSONB DEFAULT '{}'::jsonb NOT NULL,
    total_rows INTEGER DEFAULT '0' NOT NULL,
    created_rows INTEGER DEFAULT '0' NOT NULL,
    updated_rows INTEGER DEFAULT '0' NOT NULL,
    skipped_rows INTEGER DEFAULT '0' NOT NULL,
    failed_rows INTEGER DEFAULT '0' NOT NULL,
    unprocessed_rows INTEGER DEFAULT '0' NOT NULL,
    summary JSONB DEFAULT '{}'::jsonb NOT NULL,
    has_exportable_failures BOOLEAN DEFAULT false NOT NULL,
    correction_object_key TEXT,
    failed_rows_object_key TEXT,
    parent_import_id UUID,
    error JSONB,
    parsed_at TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    dismissed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT imports_pkey PRIMARY KEY (id),
    CONSTRAINT imports_tenant_id_idempotency_key_key UNIQUE (tenant_id, idempotency_key),
    CONSTRAINT imports_status_check CHECK (status IN ('uploading', 'mapping', 'reviewing', 'previewing', 'importing', 'completed', 'completed_with_failures', 'failed', 'cancelled', 'dismissed')),
    CONSTRAINT imports_ledger_closes_check CHECK (completed_at IS NULL OR total_rows = created_rows + updated_rows + skipped_rows + failed_rows + unprocessed_rows),
    CONSTRAINT imports_counts_check CHECK (least(total_rows, created_rows, updated_rows, skipped_rows, failed_rows, unprocessed_rows) >= 0)
);
CREATE INDEX imports_tenant_id_created_at_idx ON imports.imports (tenant_id, created_at);

CREATE TABLE imports.outbox (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID,
    topic TEXT NOT NULL,
    chunk_no INTEGER DEFAULT '0' NOT NULL,
    key TEXT NOT NULL,
    headers JSONB NOT NULL,
    body BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER DEFAULT '0' NOT NULL,
    failures INTEGER DEFAULT '0' NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_import_id_topic_chunk_no_key UNIQUE (import_id, topic, chunk_no)
);

CREATE TABLE imports.raw_rows (
    import_id UUID NOT NULL,
    row_no INTEGER NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    chunk_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    cells JSON NOT NULL,
    CONSTRAINT raw_rows_pkey PRIMARY KEY (import_id, row_no)
);

CREATE TABLE staging.product_eco_claims (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    product_id UUID,
    eco_claim_name TEXT,
    eco_claim_key TEXT COLLATE "C",
    position SMALLINT
);
CREATE INDEX product_eco_claims_import_id_chunk_no_idx ON staging.product_eco_claims (import_id, chunk_no);

CREATE TABLE staging.product_environment (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    product_id UUID,
    carbon_kg NUMERIC(12, 4),
    water_l NUMERIC(12, 2)
);
CREATE INDEX product_environment_import_id_chunk_no_idx ON staging.product_environment (import_id, chunk_no);

CREATE TABLE staging.product_journey_steps (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    product_id UUID,
    step TEXT,
    facility_name TEXT,
    facility_key TEXT COLLATE "C",
    position SMALLINT
);
CREATE INDEX product_journey_steps_import_id_chunk_no_idx ON staging.product_journey_steps (import_id, chunk_no);

CREATE TABLE staging.product_materials (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    product_id UUID,
    material_name TEXT,
    material_key TEXT COLLATE "C",
    position SMALLINT,
    percentage NUMERIC(6, 2)
);
CREATE INDEX product_materials_import_id_chunk_no_idx ON staging.product_materials (import_id, chunk_no);

CREATE TABLE staging.product_tags (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    product_id UUID,
    tag_name TEXT,
    tag_key TEXT COLLATE "C",
    position SMALLINT
);
CREATE INDEX product_tags_import_id_chunk_no_idx ON staging.product_tags (import_id, chunk_no);

CREATE TABLE staging.product_variants (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    id UUID,
    product_id UUID,
    position INTEGER,
    barcode TEXT COLLATE "C",
    sku TEXT COLLATE "C",
    title TEXT,
    description TEXT,
    image_url TEXT
);
CREATE INDEX product_variants_import_id_chunk_no_idx ON staging.product_variants (import_id, chunk_no);

CREATE TABLE staging.product_weight (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    product_id UUID,
    weight NUMERIC(10, 2),
    unit TEXT DEFAULT 'g'
);
CREATE INDEX product_weight_import_id_chunk_no_idx ON staging.product_weight (import_id, chunk_no);

CREATE TABLE staging.products (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    id UUID,
    handle TEXT COLLATE "C",
    title TEXT,
    description TEXT,
    image_url TEXT,
    status TEXT DEFAULT 'unpublished',
    manufacturer_name TEXT,
    manufacturer_key TEXT COLLATE "C",
    category_id BIGINT,
    season_name TEXT,
    season_key TEXT COLLATE "C"
);
CREATE INDEX products_import_id_chunk_no_idx ON staging.products (import_id, chunk_no);

CREATE TABLE staging.variant_attributes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    variant_id UUID,
    attribute_name TEXT,
    attribute_key TEXT COLLATE "C",
    attribute_value_name TEXT,
    attribute_value_key TEXT COLLATE "C",
    position SMALLINT
);
CREATE INDEX variant_attributes_import_id_chunk_no_idx ON staging.variant_attributes (import_id, chunk_no);

CREATE TABLE staging.variant_eco_claims (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    variant_id UUID,
    eco_claim_name TEXT,
    eco_claim_key TEXT COLLATE "C",
    position SMALLINT
);
CREATE INDEX variant_eco_claims_import_id_chunk_no_idx ON staging.variant_eco_claims (import_id, chunk_no);

CREATE TABLE staging.variant_environment (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    variant_id UUID,
    carbon_kg NUMERIC(12, 4),
    water_l NUMERIC(12, 2)
);
CREATE INDEX variant_environment_import_id_chunk_no_idx ON staging.variant_environment (import_id, chunk_no);

CREATE TABLE staging.variant_journey_steps (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    variant_id UUID,
    step TEXT,
    facility_name TEXT,
    facility_key TEXT COLLATE "C",
    position SMALLINT
);
CREATE INDEX variant_journey_steps_import_id_chunk_no_idx ON staging.variant_journey_steps (import_id, chunk_no);

CREATE TABLE staging.variant_materials (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    variant_id UUID,
    material_name TEXT,
    material_key TEXT COLLATE "C",
    position SMALLINT,
    percentage NUMERIC(6, 2)
);
CREATE INDEX variant_materials_import_id_chunk_no_idx ON staging.variant_materials (import_id, chunk_no);

CREATE TABLE staging.variant_weight (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    variant_id UUID,
    weight NUMERIC(10, 2),
    unit TEXT DEFAULT 'g'
);
CREATE INDEX variant_weight_import_id_chunk_no_idx ON staging.variant_weight (import_id, chunk_no);

CREATE TABLE catalog.attribute_values (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    attribute_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT attribute_values_pkey PRIMARY KEY (id),
    CONSTRAINT attribute_values_attribute_id_id_key UNIQUE (attribute_id, id),
    CONSTRAINT attribute_values_tenant_id_attribute_id_name_key_key UNIQUE (tenant_id, attribute_id, name_key),
    CONSTRAINT attribute_values_named_check CHECK (name_key <> ''),
    CONSTRAINT attribute_values_attribute_id_fkey FOREIGN KEY(attribute_id) REFERENCES catalog.attributes (id) ON DELETE RESTRICT
);

CREATE TABLE catalog.products (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    handle TEXT COLLATE "C" NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    image_url TEXT,
    status TEXT DEFAULT 'unpublished' NOT NULL,
    manufacturer_id BIGINT,
    category_id BIGINT,
    season_id BIGINT,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT products_pkey PRIMARY KEY (id),
    CONSTRAINT products_tenant_id_handle_key UNIQUE (tenant_id, handle),
    CONSTRAINT products_handle_check CHECK (handle <> ''),
    CONSTRAINT products_status_check CHECK (status IN ('unpublished', 'published', 'archived', 'scheduled')),
    CONSTRAINT products_manufacturer_id_fkey FOREIGN KEY(manufacturer_id) REFERENCES catalog.manufacturers (id) ON DELETE RESTRICT,
    CONSTRAINT products_category_id_fkey FOREIGN KEY(category_id) REFERENCES catalog.taxonomy_categories (id) ON DELETE RESTRICT,
    CONSTRAINT products_season_id_fkey FOREIGN KEY(season_id) REFERENCES catalog.seasons (id) ON DELETE RESTRICT
);

CREATE TABLE imports.import_chunks (
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    first_row INTEGER NOT NULL,
    last_row INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    state TEXT NOT NULL,
    created INTEGER DEFAULT '0' NOT NULL,
    updated INTEGER DEFAULT '0' NOT NULL,
    skipped INTEGER DEFAULT '0' NOT NULL,
    failed INTEGER DEFAULT '0' NOT NULL,
    summary JSONB DEFAULT '{}'::jsonb NOT NULL,
    notices JSONB DEFAULT '[]'::jsonb NOT NULL,
    duplicates JSONB DEFAULT '[]'::jsonb NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    reference TEXT,
    staged_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    validated_at TIMESTAMP WITH TIME ZONE,
    committed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT import_chunks_pkey PRIMARY KEY (import_id, chunk_no),
    CONSTRAINT import_chunks_state_check CHECK (state IN ('staged', 'validated', 'committed', 'quarantined')),
    CONSTRAINT import_chunks_ledger_closes_check CHECK (state IN ('staged', 'validated') OR row_count = created + updated + skipped + failed),
    CONSTRAINT import_chunks_counts_check CHECK (least(row_count, created, updated, skipped, failed) >= 0),
    CONSTRAINT import_chunks_rows_check CHECK (first_row <= last_row),
    CONSTRAINT import_chunks_import_id_fkey FOREIGN KEY(import_id) REFERENCES imports.imports (id) ON DELETE CASCADE
);

CREATE TABLE catalog.product_eco_claims (
    tenant_id TEXT COLLATE "C" NOT NULL,
    product_id UUID NOT NULL,
    eco_claim_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT product_eco_claims_pkey PRIMARY KEY (product_id, eco_claim_id),
    CONSTRAINT product_eco_claims_product_id_fkey FOREIGN KEY(product_id) REFERENCES catalog.products (id) ON DELETE CASCADE,
    CONSTRAINT product_eco_claims_eco_claim_id_fkey FOREIGN KEY(eco_claim_id) REFERENCES catalog.eco_claims (id) ON DELETE RESTRICT
);

CREATE TABLE catalog.product_environment (
    tenant_id TEXT COLLATE "C" NOT NULL,
    product_id UUID NOT NULL,
    carbon_kg NUMERIC(12, 4),
    water_l NUMERIC(12, 2),
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT product_environment_pkey PRIMARY KEY (product_id),
    CONSTRAINT product_environment_not_negative_check CHECK (carbon_kg >= 0 AND water_l >= 0),
    CONSTRAINT product_environment_something_check CHECK (carbon_kg IS NOT NULL OR water_l IS NOT NULL),
    CONSTRAINT product_environment_product_id_fkey FOREIGN KEY(product_id) REFERENCES catalog.products (id) ON DELETE CASCADE
);

CREATE TABLE catalog.product_journey_steps (
    tenant_id TEXT COLLATE "C" NOT NULL,
    product_id UUID NOT NULL,
    step TEXT NOT NULL,
    facility_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT product_journey_steps_pkey PRIMARY KEY (product_id, step, facility_id),
    CONSTRAINT product_journey_steps_step_check CHECK (step IN ('raw_material', 'weaving', 'dyeing_printing', 'stitching', 'assembly', 'finishing')),
    CONSTRAINT product_journey_steps_product_id_fkey FOREIGN KEY(product_id) REFERENCES catalog.products (id) ON DELETE CASCADE,
    CONSTRAINT product_journey_steps_facility_id_fkey FOREIGN KEY(facility_id) REFERENCES catalog.facilities (id) ON DELETE RESTRICT
);

CREATE TABLE catalog.product_materials (
    tenant_id TEXT COLLATE "C" NOT NULL,
    product_id UUID NOT NULL,
    material_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    percentage NUMERIC(6, 2),
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT product_materials_pkey PRIMARY KEY (product_id, material_id),
    CONSTRAINT product_materials_percentage_check CHECK (percentage > 0 AND percentage <= 100),
    CONSTRAINT product_materials_product_id_fkey FOREIGN KEY(product_id) REFERENCES catalog.products (id) ON DELETE CASCADE,
    CONSTRAINT product_materials_material_id_fkey FOREIGN KEY(material_id) REFERENCES catalog.materials (id) ON DELETE RESTRICT
);

CREATE TABLE catalog.product_tags (
    tenant_id TEXT COLLATE "C" NOT NULL,
    product_id UUID NOT NULL,
    tag_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT product_tags_pkey PRIMARY KEY (product_id, tag_id),
    CONSTRAINT product_tags_product_id_fkey FOREIGN KEY(product_id) REFERENCES catalog.products (id) ON DELETE CASCADE,
    CONSTRAINT product_tags_tag_id_fkey FOREIGN KEY(tag_id) REFERENCES catalog.tags (id) ON DELETE RESTRICT
);

CREATE TABLE catalog.product_variants (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    product_id UUID NOT NULL,
    position INTEGER NOT NULL,
    barcode TEXT COLLATE "C",
    sku TEXT COLLATE "C",
    title TEXT,
    description TEXT,
    image_url TEXT,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT product_variants_pkey PRIMARY KEY (id),
    CONSTRAINT product_variants_product_id_position_key UNIQUE (product_id, position),
    CONSTRAINT product_variants_identified_check CHECK (barcode IS NOT NULL OR sku IS NOT NULL),
    CONSTRAINT product_variants_position_check CHECK (position >= 0),
    CONSTRAINT product_variants_product_id_fkey FOREIGN KEY(product_id) REFERENCES catalog.products (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX product_variants_tenant_id_barcode_key ON catalog.product_variants (tenant_id, barcode) WHERE barcode IS NOT NULL;
CREATE UNIQUE INDEX product_variants_tenant_id_sku_key ON catalog.product_variants (tenant_id, sku) WHERE sku IS NOT NULL;

CREATE TABLE catalog.product_weight (
    tenant_id TEXT COLLATE "C" NOT NULL,
    product_id UUID NOT NULL,
    weight NUMERIC(10, 2) NOT NULL,
    unit TEXT DEFAULT 'g' NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT product_weight_pkey PRIMARY KEY (product_id),
    CONSTRAINT product_weight_not_negative_check CHECK (weight >= 0),
    CONSTRAINT product_weight_unit_check CHECK (unit IN ('g')),
    CONSTRAINT product_weight_product_id_fkey FOREIGN KEY(product_id) REFERENCES catalog.products (id) ON DELETE CASCADE
);

CREATE TABLE imports.row_errors (
    import_id UUID NOT NULL,
    row_no INTEGER NOT NULL,
    position INTEGER NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    chunk_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    column_index INTEGER,
    heading TEXT,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    CONSTRAINT row_errors_pkey PRIMARY KEY (import_id, row_no, position),
    CONSTRAINT row_errors_import_id_chunk_no_fkey FOREIGN KEY(import_id, chunk_no) REFERENCES imports.import_chunks (import_id, chunk_no) ON DELETE CASCADE
);

CREATE TABLE catalog.product_variant_attributes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    variant_id UUID NOT NULL,
    attribute_id BIGINT NOT NULL,
    attribute_value_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT product_variant_attributes_pkey PRIMARY KEY (variant_id, attribute_id),
    CONSTRAINT product_variant_attributes_attribute_id_attribute_value_id_fkey FOREIGN KEY(attribute_id, attribute_value_id) REFERENCES catalog.attribute_values (attribute_id, id) ON DELETE RESTRICT,
    CONSTRAINT product_variant_attributes_variant_id_fkey FOREIGN KEY(variant_id) REFERENCES catalog.product_variants (id) ON DELETE CASCADE
);

CREATE TABLE catalog.variant_eco_claims (
    tenant_id TEXT COLLATE "C" NOT NULL,
    variant_id UUID NOT NULL,
    eco_claim_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT variant_eco_claims_pkey PRIMARY KEY (variant_id, eco_claim_id),
    CONSTRAINT variant_eco_claims_variant_id_fkey FOREIGN KEY(variant_id) REFERENCES catalog.product_variants (id) ON DELETE CASCADE,
    CONSTRAINT variant_eco_claims_eco_claim_id_fkey FOREIGN KEY(eco_claim_id) REFERENCES catalog.eco_claims (id) ON DELETE RESTRICT
);

CREATE TABLE catalog.variant_environment (
    tenant_id TEXT COLLATE "C" NOT NULL,
    variant_id UUID NOT NULL,
    carbon_kg NUMERIC(12, 4),
    water_l NUMERIC(12, 2),
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT variant_environment_pkey PRIMARY KEY (variant_id),
    CONSTRAINT variant_environment_not_negative_check CHECK (carbon_kg >= 0 AND water_l >= 0),
    CONSTRAINT variant_environment_something_check CHECK (carbon_kg IS NOT NULL OR water_l IS NOT NULL),
    CONSTRAINT variant_environment_variant_id_fkey FOREIGN KEY(variant_id) REFERENCES catalog.product_variants (id) ON DELETE CASCADE
);

CREATE TABLE catalog.variant_journey_steps (
    tenant_id TEXT COLLATE "C" NOT NULL,
    variant_id UUID NOT NULL,
    step TEXT NOT NULL,
    facility_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT variant_journey_steps_pkey PRIMARY KEY (variant_id, step, facility_id),
    CONSTRAINT variant_journey_steps_step_check CHECK (step IN ('raw_material', 'weaving', 'dyeing_printing', 'stitching', 'assembly', 'finishing')),
    CONSTRAINT variant_journey_steps_variant_id_fkey FOREIGN KEY(variant_id) REFERENCES catalog.product_variants (id) ON DELETE CASCADE,
    CONSTRAINT variant_journey_steps_facility_id_fkey FOREIGN KEY(facility_id) REFERENCES catalog.facilities (id) ON DELETE RESTRICT
);

CREATE TABLE catalog.variant_materials (
    tenant_id TEXT COLLATE "C" NOT NULL,
    variant_id UUID NOT NULL,
    material_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    percentage NUMERIC(6, 2),
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT variant_materials_pkey PRIMARY KEY (variant_id, material_id),
    CONSTRAINT variant_materials_percentage_check CHECK (percentage > 0 AND percentage <= 100),
    CONSTRAINT variant_materials_variant_id_fkey FOREIGN KEY(variant_id) REFERENCES catalog.product_variants (id) ON DELETE CASCADE,
    CONSTRAINT variant_materials_material_id_fkey FOREIGN KEY(material_id) REFERENCES catalog.materials (id) ON DELETE RESTRICT
);

CREATE TABLE catalog.variant_weight (
    tenant_id TEXT COLLATE "C" NOT NULL,
    variant_id UUID NOT NULL,
    weight NUMERIC(10, 2) NOT NULL,
    unit TEXT DEFAULT 'g' NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT variant_weight_pkey PRIMARY KEY (variant_id),
    CONSTRAINT variant_weight_not_negative_check CHECK (weight >= 0),
    CONSTRAINT variant_weight_unit_check CHECK (unit IN ('g')),
    CONSTRAINT variant_weight_variant_id_fkey FOREIGN KEY(variant_id) REFERENCES catalog.product_variants (id) ON DELETE CASCADE
);
