"""How long things are kept: numbers only, so that settings can name them without loading SQLAlchemy."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Periods:
    """Times after which something goes. Those of ended imports begin with their end.

    `orphaned_uploads` is longer than Kafka keeps an event or a dead letter (7 days unless a cluster says otherwise): what a
    sender has put is there for as long as its event may still come.
    """

    staged_rows: timedelta = timedelta(hours=2)
    rows: timedelta = timedelta(days=7)
    failed_rows: timedelta = timedelta(days=30)
    uploads: timedelta = timedelta(days=30)
    results: timedelta = timedelta(days=30)
    held: timedelta = timedelta(hours=24)
    missing_files: timedelta = timedelta(hours=24)
    orphaned_uploads: timedelta = timedelta(days=8)
    orphaned_results: timedelta = timedelta(hours=24)
    deliveries: timedelta = timedelta(days=30)
