-- Fields of a tenant's own, their options, the people who work there, and how a tenant writes values.

CREATE TABLE crm.custom_fields (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    entity_type TEXT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    multi BOOLEAN DEFAULT false NOT NULL,
    is_unique BOOLEAN DEFAULT false NOT NULL,
    required BOOLEAN DEFAULT false NOT NULL,
    most INTEGER,
    longest INTEGER,
    decimals INTEGER,
    target TEXT,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT custom_fields_pkey PRIMARY KEY (id),
    CONSTRAINT custom_fields_tenant_id_entity_type_code_key UNIQUE (tenant_id, entity_type, code),
    CONSTRAINT custom_fields_code_check CHECK (code ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT custom_fields_entity_type_check
        CHECK (entity_type IN ('companies', 'people', 'opportunities', 'tasks', 'notes')),
    CONSTRAINT custom_fields_type_check CHECK (type IN ('text', 'textarea', 'rich_text', 'markdown', 'email', 'link',
        'phone', 'number', 'currency', 'date', 'date_time', 'boolean', 'select', 'multi_select', 'tags', 'colour', 'record')),
    CONSTRAINT custom_fields_target_check CHECK ((type = 'record') = (target IS NOT NULL)),
    CONSTRAINT custom_fields_limits_check CHECK (least(most, longest) >= 1 AND decimals BETWEEN 0 AND 9)
);

CREATE TABLE crm.options (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    entity_type TEXT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    position INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT options_pkey PRIMARY KEY (id),
    CONSTRAINT options_tenant_id_entity_type_code_name_key_key UNIQUE (tenant_id, entity_type, code, name_key)
);

CREATE TABLE crm.members (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C",
    email TEXT COLLATE "C",
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT members_pkey PRIMARY KEY (id),
    CONSTRAINT members_tenant_id_subject_key UNIQUE (tenant_id, subject),
    CONSTRAINT members_tenant_id_email_key UNIQUE (tenant_id, email),
    CONSTRAINT members_known_check CHECK (removed_at IS NOT NULL OR subject IS NOT NULL OR email IS NOT NULL),
    CONSTRAINT members_removed_check CHECK (removed_at IS NULL OR email IS NULL)
);

CREATE TABLE crm.settings (
    tenant_id TEXT COLLATE "C" NOT NULL,
    region TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    date_format TEXT NOT NULL,
    decimal TEXT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_by TEXT NOT NULL,
    CONSTRAINT settings_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT settings_region_check CHECK (region ~ '^[A-Z]{2}$'),
    CONSTRAINT settings_date_format_check CHECK (date_format IN ('iso', 'european', 'american')),
    CONSTRAINT settings_decimal_check CHECK (decimal IN ('point', 'comma'))
);

DO $$
DECLARE
    named TEXT;
BEGIN
    FOREACH named IN ARRAY ARRAY['custom_fields', 'options', 'members', 'settings']
    LOOP
        EXECUTE format('ALTER TABLE crm.%I ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE crm.%I FORCE ROW LEVEL SECURITY', named);
        EXECUTE format(
            'CREATE POLICY of_one_tenant ON crm.%I '
            'USING (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true))) '
            'WITH CHECK (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true)))', named);
    END LOOP;
END
$$;

-- Read when an import is accepted, and kept with it: later stages read no definition.
GRANT SELECT ON crm.custom_fields, crm.options, crm.settings TO winnow_parser, winnow_reader;
-- Links to members are looked up when they are committed.
GRANT SELECT ON crm.members TO winnow_validator, winnow_committer, winnow_reader;
-- Tags that nobody has used before join the options of their field with the rows that have them.
GRANT SELECT ON crm.custom_fields TO winnow_committer;
GRANT SELECT, INSERT ON crm.options TO winnow_committer;
GRANT SELECT, INSERT, UPDATE ON crm.custom_fields, crm.settings, crm.members TO winnow_intake;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.options TO winnow_intake;
-- Whoever signs in is a member of the tenant of their login.
GRANT SELECT, INSERT, UPDATE ON crm.members TO winnow_gateway;

-- By what fields, options and settings an import is read: those of the moment it was accepted, through all stages.
ALTER TABLE imports.imports ADD COLUMN own JSONB;
