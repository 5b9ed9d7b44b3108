"""Every metric there is, in one list. Names are stable: dashboards and alerts are built on them."""

from prometheus_client import Counter, Gauge, Histogram

# Deliveries ended, by how: done, held (comes again from the outbox), refused, poison, bug (quarantined).
EVENTS_HANDLED = Counter("winnow_events_handled", "Events a stage has finished with", ["topic", "outcome"])
# Attempts that failed and are tried again: transient or bug.
EVENTS_RETRIED = Counter("winnow_events_retried", "Attempts at an event that failed", ["topic", "kind"])
# Seconds one event took, retries included.
HANDLING_SECONDS = Histogram(
    "winnow_handling_seconds",
    "Time from receiving an event to its effect",
    ["topic"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
# Published by the relay; again=true were not acted on in time.
EVENTS_PUBLISHED = Counter("winnow_events_published", "Events published from the outbox", ["topic", "again"])
# Rows a stage has read, validated, committed or handed back.
ROWS = Counter("winnow_rows", "Rows that passed a stage", ["stage", "outcome"])
# 1 while the process is in that state: busy (an event is in hand), ready, degraded, stopped.
STATE = Gauge("winnow_state", "State of the process", ["state"])
# Imports as the keeper sees them.
IMPORTS_OPEN = Gauge("winnow_imports_open", "Imports that have not ended")
OLDEST_OPEN_SECONDS = Gauge("winnow_oldest_open_import_seconds", "Age of the oldest import that has not ended")
OUTBOX_EVENTS = Gauge("winnow_outbox_events", "Events nobody has acted on yet", ["topic", "state"])
TOPIC_LAG = Gauge("winnow_topic_lag", "Records a consumer group has not yet committed", ["topic", "group"])
# Rows, files and imports whose time was over, by what they were (services/keeper); what=failed could not be removed.
REMOVED = Counter("winnow_removed", "What was removed because its time was over", ["what"])
# Tries to tell somebody of an import (services/notifier), by what they came to: delivered, missed (tried again), given_up,
# overtaken (somebody else had it in hand by then).
DELIVERIES = Counter("winnow_deliveries", "Tries to deliver a webhook or an e-mail", ["kind", "outcome"])
DELIVERIES_WAITING = Gauge("winnow_deliveries_waiting", "Deliveries that wait for their next try", ["kind"])
OLDEST_DELIVERY_SECONDS = Gauge("winnow_oldest_delivery_seconds", "Age of the oldest delivery that waits", ["kind"])
WEBHOOKS_DISABLED = Counter("winnow_webhooks_disabled", "Webhooks disabled because their receiver failed or is gone")
