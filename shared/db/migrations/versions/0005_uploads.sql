-- Frozen once released: files on their way in, what is known of them before they are imported, and who may see it.

CREATE TABLE gateway.uploads (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT NOT NULL,
    state TEXT NOT NULL,
    file_name TEXT NOT NULL,
    size BIGINT,
    received BIGINT DEFAULT 0 NOT NULL,
    presigned BOOLEAN DEFAULT false NOT NULL,
    object_key TEXT,
    storage_upload TEXT,
    next_part INTEGER DEFAULT 1 NOT NULL,
    writer UUID,
    file_sha256 TEXT,
    look JSONB,
    import_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    looked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT uploads_pkey PRIMARY KEY (id),
    CONSTRAINT uploads_tenant_id_id_key UNIQUE (tenant_id, id),
    CONSTRAINT uploads_state_check CHECK (state IN ('receiving', 'complete')),
    CONSTRAINT uploads_received_check CHECK (received >= 0 AND (size IS NULL OR received <= size)),
    CONSTRAINT uploads_complete_check CHECK (state <> 'complete' OR received = size AND object_key IS NOT NULL)
);
CREATE INDEX uploads_expires_at_idx ON gateway.uploads (expires_at);
CREATE INDEX uploads_tenant_id_updated_at_idx ON gateway.uploads (tenant_id, updated_at);

-- What was received of a file that is not complete: parts that storage has, and what is too little for one.
CREATE TABLE gateway.upload_pieces (
    tenant_id TEXT COLLATE "C" NOT NULL,
    upload_id UUID NOT NULL,
    position BIGINT NOT NULL,
    part_no INTEGER,
    etag TEXT,
    content BYTEA,
    CONSTRAINT upload_pieces_pkey PRIMARY KEY (upload_id, position),
    CONSTRAINT upload_pieces_place_check CHECK ((content IS NULL) = (part_no IS NOT NULL AND etag IS NOT NULL)),
    CONSTRAINT upload_pieces_tenant_id_upload_id_fkey FOREIGN KEY (tenant_id, upload_id)
        REFERENCES gateway.uploads (tenant_id, id) ON DELETE CASCADE
);

-- Complete uploads that a parser has still to look at.
CREATE TABLE gateway.looks (
    tenant_id TEXT COLLATE "C" NOT NULL,
    upload_id UUID NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT looks_pkey PRIMARY KEY (upload_id),
    CONSTRAINT looks_tenant_id_upload_id_fkey FOREIGN KEY (tenant_id, upload_id)
        REFERENCES gateway.uploads (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX looks_next_attempt_at_idx ON gateway.looks (next_attempt_at);

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['uploads', 'upload_pieces', 'looks'] LOOP
        EXECUTE format('ALTER TABLE gateway.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE gateway.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY of_one_tenant ON gateway.%I '
            'USING (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true))) '
            'WITH CHECK (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true)))',
            name);
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.uploads, gateway.upload_pieces TO winnow_gateway;
GRANT INSERT ON gateway.looks TO winnow_gateway;

-- The parser takes looks of whichever tenant, by their ids; the upload itself it sees as its tenant, and writes what it saw.
CREATE POLICY of_all_tenants ON gateway.looks TO winnow_parser USING (true);
GRANT SELECT, UPDATE, DELETE ON gateway.looks TO winnow_parser;
GRANT SELECT (id, tenant_id, state, file_name, size, object_key, import_id) ON gateway.uploads TO winnow_parser;
GRANT UPDATE (file_sha256, look, looked_at) ON gateway.uploads TO winnow_parser;

-- Whoever registers an import says which upload it is of.
GRANT USAGE ON SCHEMA gateway TO winnow_intake;
GRANT SELECT ON gateway.uploads TO winnow_intake;
GRANT UPDATE (import_id) ON gateway.uploads TO winnow_intake;

-- The keeper removes what nobody goes on with.
CREATE POLICY seen_by_operators ON gateway.uploads FOR SELECT TO winnow_keeper USING (true);
GRANT SELECT (id, tenant_id, state, object_key, storage_upload, import_id, expires_at), DELETE ON gateway.uploads TO winnow_keeper;
