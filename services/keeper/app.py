"""Wiring of the keeper."""

from services.keeper.handler import Rounds, every
from services.keeper.settings import KeeperSettings
from shared.events import TOPICS
from shared.runtime.process import run_stage
from shared.runtime.settings import ServiceSettings
from shared.runtime.stage import Resources, Stage


def main() -> None:
    """Run the keeper until it is told to stop."""
    settings = ServiceSettings()

    def wire(resources: Resources) -> Stage:
        mine = KeeperSettings()
        rounds = Rounds(resources.engine, settings.kafka, mine)
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
            ),
        )

    run_stage(settings, "keeper", wire)
