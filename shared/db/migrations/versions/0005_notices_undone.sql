REVOKE SELECT (tenant_id, import_id, heading, code) ON imports.row_errors FROM winnow_notifier;
REVOKE UPDATE (notice_due) ON imports.imports FROM winnow_notifier;
REVOKE SELECT (id, tenant_id, user_id, entity_type, mode, status, file_name, total_rows, created_rows, updated_rows,
    skipped_rows, failed_rows, unprocessed_rows, summary, has_exportable_failures, has_exportable_unprocessed, read_to_row,
    error, started_at, completed_at, cancelled_at, object_key, idempotency_key, event_id, event_source, traceparent,
    notice_due) ON imports.imports FROM winnow_notifier;
DROP POLICY untold ON imports.imports;
DROP TABLE gateway.unwanted_mail;
DROP TABLE gateway.deliveries;
DROP TABLE gateway.webhooks;
DROP INDEX imports.imports_notice_due_idx;
ALTER TABLE imports.imports DROP COLUMN notice_due;
