-- Records, what they are known by, their links; where they wait for their commit.

CREATE SCHEMA crm;
GRANT USAGE ON SCHEMA crm TO winnow_parser, winnow_validator, winnow_committer, winnow_gateway, winnow_intake, winnow_reader,
    winnow_operator;

CREATE TABLE crm.records (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    entity_type TEXT NOT NULL,
    name TEXT NOT NULL,
    fields JSONB DEFAULT '{}' NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    created_import_id UUID,
    created_row_no INTEGER,
    on_the_way BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT records_pkey PRIMARY KEY (id),
    CONSTRAINT records_entity_type_check
        CHECK (entity_type IN ('companies', 'people', 'opportunities', 'tasks', 'notes')),
    CONSTRAINT records_named_check CHECK (name <> '')
);
CREATE INDEX records_created_import_id_created_row_no_idx ON crm.records (created_import_id, created_row_no);
CREATE INDEX records_created_import_id_entity_type_created_row_no_idx
    ON crm.records (created_import_id, entity_type, created_row_no) WHERE on_the_way;

CREATE TABLE crm.identifiers (
    tenant_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    record_id UUID NOT NULL,
    CONSTRAINT identifiers_pkey PRIMARY KEY (tenant_id, kind, value)
);
CREATE INDEX identifiers_record_id_idx ON crm.identifiers (record_id);

CREATE TABLE crm.links (
    tenant_id TEXT COLLATE "C" NOT NULL,
    from_id UUID NOT NULL,
    code TEXT NOT NULL,
    to_id UUID NOT NULL,
    import_id UUID NOT NULL,
    import_row_no INTEGER NOT NULL,
    CONSTRAINT links_pkey PRIMARY KEY (from_id, code, to_id)
);
CREATE INDEX links_to_id_idx ON crm.links (to_id);

-- What is deleted is found by nothing, and others may be known by what it was known by.
CREATE FUNCTION crm.forget_identifiers() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM crm.identifiers WHERE record_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER forget_identifiers AFTER UPDATE OF deleted_at ON crm.records
    FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL)
    EXECUTE FUNCTION crm.forget_identifiers();

-- What links name is looked up once a statement, and stays until the transaction ends, as with a foreign key. Members never go.
CREATE FUNCTION crm.links_refer() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_named bigint;
    v_found bigint;
BEGIN
    WITH named AS MATERIALIZED (SELECT DISTINCT tenant_id, to_id FROM written),
         found AS MATERIALIZED (SELECT r.id FROM named w JOIN crm.records r ON r.id = w.to_id AND r.tenant_id = w.tenant_id
                                 WHERE r.deleted_at IS NULL ORDER BY r.id FOR KEY SHARE OF r)
    SELECT (SELECT count(*) FROM named), (SELECT count(*) FROM found) INTO v_named, v_found;
    IF v_named = v_found THEN
        RETURN NULL;
    END IF;
    SELECT v_found + count(*) INTO v_found
      FROM (SELECT DISTINCT tenant_id, to_id FROM written) w
      JOIN crm.members m ON m.id = w.to_id AND m.tenant_id = w.tenant_id;
    IF v_named <> v_found THEN
        RAISE foreign_key_violation USING MESSAGE =
            'insert or update on table "links" violates foreign key constraint "links_to_id_fkey"',
            DETAIL = 'A link names what is not there, or not its tenant''s.',
            SCHEMA = 'crm', TABLE = 'links', CONSTRAINT = 'links_to_id_fkey';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER links_refer AFTER INSERT ON crm.links
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION crm.links_refer();

CREATE TABLE staging.crm_records (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    action TEXT DEFAULT 'create' NOT NULL,
    id UUID,
    entity_type TEXT,
    name TEXT,
    fields JSONB,
    said TEXT[],
    kinds TEXT[],
    keys TEXT[],
    rows INTEGER[],
    on_the_way BOOLEAN DEFAULT false NOT NULL,
    writer_import_id UUID,
    writer_row_no INTEGER
);
CREATE INDEX crm_records_import_id_chunk_no_group_row_idx ON staging.crm_records (import_id, chunk_no, group_row);

CREATE TABLE staging.crm_identifiers (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    record_id UUID,
    kind TEXT COLLATE "C",
    value TEXT COLLATE "C"
);
CREATE INDEX crm_identifiers_import_id_chunk_no_group_row_idx
    ON staging.crm_identifiers (import_id, chunk_no, group_row);

CREATE TABLE staging.crm_links (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    row_no INTEGER NOT NULL,
    group_row INTEGER NOT NULL,
    row_status TEXT DEFAULT 'pending' NOT NULL,
    errors JSONB,
    from_id UUID,
    code TEXT,
    to_id UUID,
    target TEXT,
    key_kind TEXT COLLATE "C",
    key_value TEXT COLLATE "C",
    key_name TEXT,
    is_removed BOOLEAN DEFAULT false NOT NULL
);
CREATE INDEX crm_links_import_id_chunk_no_group_row_idx ON staging.crm_links (import_id, chunk_no, group_row);

-- What is changed may be a CRM record.
ALTER TABLE catalog.changes DROP CONSTRAINT changes_record_check;
ALTER TABLE catalog.changes ADD CONSTRAINT changes_record_check
    CHECK (record IN ('product', 'variant', 'company', 'person', 'opportunity', 'task', 'note'));
-- A record is taken back as a whole, whatever rows of an import changed it.
CREATE INDEX changes_import_id_record_id_idx ON catalog.changes (import_id, record_id)
    WHERE record NOT IN ('product', 'variant');

DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY['crm.records', 'crm.identifiers', 'crm.links',
                                 'staging.crm_records', 'staging.crm_identifiers', 'staging.crm_links']
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', named);
        EXECUTE format(
            'CREATE POLICY of_one_tenant ON %s '
            'USING (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true))) '
            'WITH CHECK (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true)))', named);
    END LOOP;
END
$$;

GRANT SELECT ON crm.records, crm.identifiers, crm.links TO winnow_validator, winnow_reader, winnow_operator;
GRANT SELECT ON crm.identifiers TO winnow_parser;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.records TO winnow_committer;
GRANT SELECT, INSERT, DELETE ON crm.identifiers, crm.links TO winnow_committer;
GRANT SELECT, INSERT, DELETE ON staging.crm_records, staging.crm_identifiers, staging.crm_links TO winnow_validator;
GRANT SELECT, UPDATE, DELETE ON staging.crm_records, staging.crm_identifiers, staging.crm_links TO winnow_committer;
GRANT SELECT, DELETE ON staging.crm_records, staging.crm_identifiers, staging.crm_links
    TO winnow_intake, winnow_parser, winnow_keeper;
GRANT SELECT ON staging.crm_records, staging.crm_identifiers, staging.crm_links TO winnow_reader, winnow_operator;
