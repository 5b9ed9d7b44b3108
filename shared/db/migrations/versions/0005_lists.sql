-- Frozen once released: lists of a hundred thousand imports, and of a hundred thousand failed rows in one of them, are read
-- from sums that are kept where their parts are written.

-- Why rows of a chunk were not imported: how many errors of each kind, and the first of them. A row without a heading has ''.
CREATE TABLE imports.reason_counts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    chunk_no INTEGER NOT NULL,
    code TEXT NOT NULL,
    heading TEXT NOT NULL,
    errors INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    example TEXT NOT NULL,
    CONSTRAINT reason_counts_pkey PRIMARY KEY (import_id, chunk_no, code, heading),
    CONSTRAINT reason_counts_tenant_id_import_id_chunk_no_fkey FOREIGN KEY (tenant_id, import_id, chunk_no)
        REFERENCES imports.import_chunks (tenant_id, import_id, chunk_no) ON DELETE CASCADE,
    CONSTRAINT reason_counts_errors_check CHECK (errors > 0)
);

-- How many rows of an import each correction of it was the first to repair.
CREATE TABLE imports.repair_counts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    import_id UUID NOT NULL,
    correction_id UUID NOT NULL,
    rows INTEGER NOT NULL,
    CONSTRAINT repair_counts_pkey PRIMARY KEY (import_id, correction_id),
    CONSTRAINT repair_counts_tenant_id_import_id_fkey FOREIGN KEY (tenant_id, import_id)
        REFERENCES imports.imports (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT repair_counts_rows_check CHECK (rows > 0)
);

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['reason_counts', 'repair_counts'] LOOP
        EXECUTE format('ALTER TABLE imports.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE imports.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY of_one_tenant ON imports.%I '
            'USING (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true))) '
            'WITH CHECK (tenant_id = (SELECT current_setting(''winnow.tenant_id'', true)))',
            name);
    END LOOP;
END
$$;
GRANT SELECT ON imports.reason_counts, imports.repair_counts TO winnow_reader, winnow_operator;

-- Whoever writes errors needs no right to the sums; row-level security holds for these functions as for everybody.
CREATE FUNCTION imports.count_reasons() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO imports.reason_counts AS r
           (tenant_id, import_id, chunk_no, code, heading, errors, first_row, first_position, example)
    SELECT DISTINCT ON (w.import_id, w.chunk_no, w.code, coalesce(w.heading, ''))
           w.tenant_id, w.import_id, w.chunk_no, w.code, coalesce(w.heading, ''),
           count(*) OVER (PARTITION BY w.import_id, w.chunk_no, w.code, coalesce(w.heading, '')),
           w.row_no, w.position, w.message
      FROM written w
     ORDER BY w.import_id, w.chunk_no, w.code, coalesce(w.heading, ''), w.row_no, w.position
    ON CONFLICT (import_id, chunk_no, code, heading) DO UPDATE
       SET errors = r.errors + excluded.errors,
           example = CASE WHEN (excluded.first_row, excluded.first_position) < (r.first_row, r.first_position)
                          THEN excluded.example ELSE r.example END,
           first_position = CASE WHEN (excluded.first_row, excluded.first_position) < (r.first_row, r.first_position)
                                 THEN excluded.first_position ELSE r.first_position END,
           first_row = least(r.first_row, excluded.first_row);
    RETURN NULL;
END
$$;
-- Errors go with their whole chunk mostly. Where some of a kind are left, the first of those is looked for among the rows of
-- the chunk, which the key of the errors has.
CREATE FUNCTION imports.discount_reasons() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    WITH gone AS MATERIALIZED (
        SELECT import_id, chunk_no, code, coalesce(heading, '') AS heading, count(*) AS errors
          FROM removed GROUP BY 1, 2, 3, 4
    ), none_left AS (
        DELETE FROM imports.reason_counts r USING gone g
         WHERE r.import_id = g.import_id AND r.chunk_no = g.chunk_no AND r.code = g.code AND r.heading = g.heading
           AND r.errors <= g.errors
    )
    UPDATE imports.reason_counts r
       SET errors = r.errors - g.errors, first_row = left_over.row_no, first_position = left_over.position,
           example = left_over.message
      FROM gone g
      JOIN imports.import_chunks c ON c.import_id = g.import_id AND c.chunk_no = g.chunk_no
     CROSS JOIN LATERAL (
           SELECT e.row_no, e.position, e.message FROM imports.row_errors e
            WHERE e.import_id = g.import_id AND e.row_no BETWEEN c.first_row AND c.last_row AND e.chunk_no = g.chunk_no
              AND e.code = g.code AND coalesce(e.heading, '') = g.heading
            ORDER BY e.row_no, e.position LIMIT 1) left_over
     WHERE r.import_id = g.import_id AND r.chunk_no = g.chunk_no AND r.code = g.code AND r.heading = g.heading
       AND r.errors > g.errors;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_reasons AFTER INSERT ON imports.row_errors REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION imports.count_reasons();
CREATE TRIGGER discount_reasons AFTER DELETE ON imports.row_errors REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION imports.discount_reasons();

-- A correction of a correction counts towards the first. Of those that sent a row, the one that ended first has repaired it.
CREATE FUNCTION imports.count_repairs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_first uuid;
BEGIN
    FOR v_first IN
        WITH RECURSIVE firsts AS (
            SELECT DISTINCT origin_import_id AS id FROM changed
             UNION
            SELECT o.origin_import_id FROM firsts f JOIN imports.row_origins o ON o.import_id = f.id)
        SELECT f.id FROM firsts f JOIN imports.imports i ON i.id = f.id ORDER BY f.id
    LOOP
        WITH RECURSIVE repairs AS (
            SELECT import_id, row_no, origin_row AS first_row, in_production
              FROM imports.row_origins WHERE origin_import_id = v_first
             UNION
            SELECT o.import_id, o.row_no, r.first_row, o.in_production
              FROM repairs r JOIN imports.row_origins o ON o.origin_import_id = r.import_id AND o.origin_row = r.row_no
        ), first_repairs AS (
            SELECT DISTINCT ON (r.first_row) r.first_row, i.tenant_id, r.import_id
              FROM repairs r JOIN imports.imports i ON i.id = r.import_id
             WHERE r.in_production ORDER BY r.first_row, i.completed_at, i.id
        ), counted AS (
            SELECT tenant_id, import_id AS correction_id, count(*) AS rows FROM first_repairs GROUP BY 1, 2
        ), no_more AS (
            DELETE FROM imports.repair_counts k
             WHERE k.import_id = v_first AND k.correction_id NOT IN (SELECT correction_id FROM counted)
        )
        INSERT INTO imports.repair_counts (tenant_id, import_id, correction_id, rows)
        SELECT tenant_id, v_first, correction_id, rows FROM counted
        ON CONFLICT (import_id, correction_id) DO UPDATE SET rows = excluded.rows;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_new_repairs AFTER INSERT ON imports.row_origins REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION imports.count_repairs();
CREATE TRIGGER count_other_repairs AFTER UPDATE ON imports.row_origins REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION imports.count_repairs();
CREATE TRIGGER count_lost_repairs AFTER DELETE ON imports.row_origins REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION imports.count_repairs();

-- What is there already.
INSERT INTO imports.reason_counts
       (tenant_id, import_id, chunk_no, code, heading, errors, first_row, first_position, example)
SELECT DISTINCT ON (import_id, chunk_no, code, coalesce(heading, ''))
       tenant_id, import_id, chunk_no, code, coalesce(heading, ''),
       count(*) OVER (PARTITION BY import_id, chunk_no, code, coalesce(heading, '')), row_no, position, message
  FROM imports.row_errors
 ORDER BY import_id, chunk_no, code, coalesce(heading, ''), row_no, position;
INSERT INTO imports.repair_counts (tenant_id, import_id, correction_id, rows)
WITH RECURSIVE repairs AS (
    SELECT origin_import_id AS first_id, import_id, row_no, origin_row AS first_row, in_production FROM imports.row_origins
     UNION
    SELECT r.first_id, o.import_id, o.row_no, r.first_row, o.in_production
      FROM repairs r JOIN imports.row_origins o ON o.origin_import_id = r.import_id AND o.origin_row = r.row_no
), first_repairs AS (
    SELECT DISTINCT ON (r.first_id, r.first_row) r.first_id, r.first_row, i.tenant_id, r.import_id
      FROM repairs r JOIN imports.imports i ON i.id = r.import_id JOIN imports.imports f ON f.id = r.first_id
     WHERE r.in_production ORDER BY r.first_id, r.first_row, i.completed_at, i.id
)
SELECT tenant_id, first_id, import_id, count(*) FROM first_repairs GROUP BY 1, 2, 3;

-- How large the files are that were handed back, in bytes by kind; empty of those that were written before this is known.
ALTER TABLE imports.imports ADD COLUMN result_sizes JSONB DEFAULT '{}'::jsonb NOT NULL;

-- A page of the history is looked for in here alone, whatever it is filtered by. Names are compared in small letters.
ALTER TABLE imports.imports ADD COLUMN file_key TEXT COLLATE "C" GENERATED ALWAYS AS (lower(file_name COLLATE "default")) STORED NOT NULL;
CREATE INDEX imports_history_idx ON imports.imports (tenant_id, created_at, id)
    INCLUDE (file_key, entity_type, status, mode, user_id, total_rows, failed_rows);
-- Imports that are under way, of all tenants: what operators see of them.
CREATE INDEX imports_open_idx ON imports.imports (updated_at) WHERE completed_at IS NULL;
