-- Frozen once released: whom the end of an import is told to, by webhook and by e-mail.

-- Whether the end of an import is still to be told. Written with the end itself, and taken back in the transaction that writes
-- down to whom it is told: whatever Kafka loses, it is found here.
ALTER TABLE imports.imports ADD COLUMN notice_due BOOLEAN DEFAULT false NOT NULL;
CREATE INDEX imports_notice_due_idx ON imports.imports (completed_at) WHERE notice_due;

CREATE TABLE gateway.webhooks (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    url TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    events TEXT[] NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    secret_version INTEGER DEFAULT 1 NOT NULL,
    rotated_at TIMESTAMP WITH TIME ZONE,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    disabled_at TIMESTAMP WITH TIME ZONE,
    disabled_because TEXT,
    CONSTRAINT webhooks_pkey PRIMARY KEY (id),
    CONSTRAINT webhooks_tenant_id_id_key UNIQUE (tenant_id, id),
    CONSTRAINT webhooks_secret_version_check CHECK (secret_version >= 1)
);

CREATE TABLE gateway.deliveries (
    id UUID NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    webhook_id UUID,
    recipient TEXT,
    event TEXT NOT NULL,
    import_id UUID,
    ended_at TIMESTAMP WITH TIME ZONE,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    step INTEGER DEFAULT 0 NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    tried_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    status INTEGER,
    answer TEXT,
    problem TEXT,
    CONSTRAINT deliveries_pkey PRIMARY KEY (id),
    CONSTRAINT deliveries_tenant_id_webhook_id_fkey FOREIGN KEY (tenant_id, webhook_id)
        REFERENCES gateway.webhooks (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT deliveries_kind_check CHECK (kind IN ('webhook', 'email')),
    CONSTRAINT deliveries_state_check CHECK (state IN ('waiting', 'delivered', 'failed')),
    CONSTRAINT deliveries_to_check CHECK (CASE kind WHEN 'email' THEN recipient IS NOT NULL ELSE webhook_id IS NOT NULL END)
);
-- One end of an import is told once to a webhook; its failures once to its sender, however often it ends.
CREATE UNIQUE INDEX deliveries_webhook_id_import_id_ended_at_idx ON gateway.deliveries (webhook_id, import_id, ended_at)
    WHERE import_id IS NOT NULL AND webhook_id IS NOT NULL;
CREATE UNIQUE INDEX deliveries_import_id_idx ON gateway.deliveries (import_id) WHERE kind = 'email';
CREATE INDEX deliveries_next_try_at_idx ON gateway.deliveries (next_try_at) WHERE state = 'waiting';
CREATE INDEX deliveries_leased_until_idx ON gateway.deliveries (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX deliveries_tenant_id_webhook_id_created_at_id_idx ON gateway.deliveries (tenant_id, webhook_id, created_at, id);
CREATE INDEX deliveries_settled_at_idx ON gateway.deliveries (settled_at) WHERE settled_at IS NOT NULL;

-- Of whom it is not to be told by e-mail: people who have said so.
CREATE TABLE gateway.unwanted_mail (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT unwanted_mail_pkey PRIMARY KEY (tenant_id, user_id)
);

DO $$
DECLARE
    named TEXT;
BEGIN
    FOREACH named IN ARRAY ARRAY['webhooks', 'deliveries', 'unwanted_mail']
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

-- What is to be told is looked for of all tenants: what waits to be sent, and ends nobody was told of. What was sent is
-- removed by age.
CREATE POLICY of_all_tenants ON gateway.deliveries TO winnow_notifier USING (true) WITH CHECK (true);
CREATE POLICY seen_by_the_keeper ON gateway.deliveries FOR SELECT TO winnow_keeper USING (true);
CREATE POLICY removed_by_the_keeper ON gateway.deliveries FOR DELETE TO winnow_keeper USING (settled_at IS NOT NULL);
CREATE POLICY untold ON imports.imports FOR SELECT TO winnow_notifier USING (notice_due);

GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.webhooks TO winnow_gateway;
GRANT SELECT, INSERT, UPDATE ON gateway.deliveries TO winnow_gateway;
GRANT SELECT, INSERT, DELETE ON gateway.unwanted_mail TO winnow_gateway;
GRANT SELECT, UPDATE ON gateway.webhooks TO winnow_notifier;
GRANT SELECT, INSERT, UPDATE ON gateway.deliveries TO winnow_notifier;
GRANT SELECT ON gateway.unwanted_mail TO winnow_notifier;
GRANT SELECT, DELETE ON gateway.deliveries TO winnow_keeper;
-- Of an import its numbers; of its rows how often what was wrong, and never what they say.
GRANT SELECT (id, tenant_id, user_id, entity_type, mode, status, file_name, total_rows, created_rows, updated_rows,
    skipped_rows, failed_rows, unprocessed_rows, summary, has_exportable_failures, has_exportable_unprocessed, read_to_row,
    error, started_at, completed_at, cancelled_at, object_key, idempotency_key, event_id, event_source, traceparent,
    notice_due) ON imports.imports TO winnow_notifier;
GRANT UPDATE (notice_due) ON imports.imports TO winnow_notifier;
GRANT SELECT (tenant_id, import_id, heading, code) ON imports.row_errors TO winnow_notifier;
