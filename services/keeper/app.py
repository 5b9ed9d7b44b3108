"""Wiring of the keeper."""

from functools import partial

from services.keeper.handler import Rounds, every
from services.keeper.settings import KeeperSettings
from shared.events import TOPICS
from shared.retention.cleanup import Buckets, Cleanup
from shared.runtime.process import run_stage
from shared.runtime.settings import RetentionSettings, ServiceSettings, StorageSettings
from shared.runtime.stage import Resources, Stage
from shared.storage import ObjectStore


def main() -> None:
    """Run the keeper until it is told to stop."""
    settings = ServiceSettings()
    storage = StorageSettings()
    kept = RetentionSettings().periods

    def wire(resources: Resources) -> Stage:
        mine = KeeperSettings()
        rounds = Rounds(resources.engine, settings.kafka, mine)
        store = ObjectStore(storage.connection)
        cleanup = Cleanup(
            resources.engine,
            store,
            Buckets(storage.uploads_bucket, storage.results_bucket),
            kept,
            beat=resources.health.beat,
        )
        topics = (every(mine.interval_seconds, rounds.keep_topics),) if settings.kafka_create_topics else ()
        return Stage(
            name="keeper",
            relays=TOPICS,
            relay_at_once=False,
            jobs=(
                *topics,
                every(mine.interval_seconds, rounds.end_stuck_work),
                every(mine.interval_seconds, rounds.publish_gauges),
                every(mine.compare_seconds, rounds.resume_lost_work),
                every(mine.cleanup_seconds, cleanup.run),
            ),
            probes={"storage": partial(store.answer, storage.results_bucket)},
        )

    run_stage(settings, "keeper", wire)
