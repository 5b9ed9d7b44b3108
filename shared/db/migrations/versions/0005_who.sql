-- Frozen once released: who is signed in, the keys of systems, and what people are called.

CREATE TABLE gateway.sessions (
    token_hash BYTEA NOT NULL,
    tenant_id TEXT COLLATE "C",
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    roles TEXT[] NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (token_hash)
);
CREATE INDEX sessions_expires_at_idx ON gateway.sessions (expires_at);
CREATE INDEX sessions_tenant_id_user_id_idx ON gateway.sessions (tenant_id, user_id);

CREATE TABLE gateway.api_keys (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    role TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_by TEXT,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT api_keys_role_check CHECK (role IN ('viewer', 'importer')),
    CONSTRAINT api_keys_revoked_check CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX api_keys_tenant_id_created_at_id_idx ON gateway.api_keys (tenant_id, created_at, id);

-- Imports name people by an id of the provider's; here is what they are called, and where they get mail.
CREATE TABLE gateway.people (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT people_pkey PRIMARY KEY (tenant_id, user_id)
);

DO $$
DECLARE
    named TEXT;
BEGIN
    FOREACH named IN ARRAY ARRAY['sessions', 'api_keys', 'people']
    LOOP
        EXECUTE format('ALTER TABLE gateway.%I ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE gateway.%I FORCE ROW LEVEL SECURITY', named);
        EXECUTE format(
            'CREATE POLICY of_one_tenant ON gateway.%I '
            'USING (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true))) '
            'WITH CHECK (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true)))', named);
    END LOOP;
END
$$;

-- A session and a key say which tenant it is, so they are found before it is known: by whoever has the secret itself, and
-- nothing else is seen then.
CREATE POLICY of_who_has_it ON gateway.sessions TO winnow_gateway
    USING (token_hash = (SELECT decode(current_setting('winnow.secret_hash', true), 'hex')))
    WITH CHECK (token_hash = (SELECT decode(current_setting('winnow.secret_hash', true), 'hex')));
CREATE POLICY seen_by_who_has_it ON gateway.api_keys FOR SELECT TO winnow_gateway
    USING (secret_hash = (SELECT decode(current_setting('winnow.secret_hash', true), 'hex')));
CREATE POLICY used_by_who_has_it ON gateway.api_keys FOR UPDATE TO winnow_gateway
    USING (secret_hash = (SELECT decode(current_setting('winnow.secret_hash', true), 'hex')));
-- What has ended is removed whosever it was.
CREATE POLICY seen_when_ended ON gateway.sessions FOR SELECT TO winnow_gateway USING (expires_at < now());
CREATE POLICY removed_when_ended ON gateway.sessions FOR DELETE TO winnow_gateway USING (expires_at < now());

GRANT SELECT, INSERT, DELETE, UPDATE (seen_at) ON gateway.sessions TO winnow_gateway;
GRANT SELECT, INSERT, UPDATE (used_at, revoked_at, revoked_by) ON gateway.api_keys TO winnow_gateway;
GRANT SELECT, INSERT, UPDATE (name, email, seen_at) ON gateway.people TO winnow_gateway;
GRANT SELECT ON gateway.people TO winnow_notifier;
GRANT USAGE ON SCHEMA gateway TO winnow_reader;
GRANT SELECT (tenant_id, user_id, name) ON gateway.people TO winnow_reader;
