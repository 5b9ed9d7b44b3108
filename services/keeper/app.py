"""Wiring of the keeper."""

from services.keeper.handler import Rounds
from services.keeper.settings import KeeperSettings
from shared.events import TOPICS
from shared.messaging.service import Resources, Stage, run_stage
from shared.settings import ServiceSettings


def main() -> None:
    """Run the keeper until it is told to stop."""
    settings = ServiceSettings()

    def wire(resources: Resources) -> Stage:
        rounds = Rounds(resources.engine, settings.kafka_bootstrap, KeeperSettings())
        return Stage(
            name="keeper",
            relays=TOPICS,
            relay_at_once=False,
            jobs=(rounds.keep_topics, rounds.end_stuck_work, rounds.publish_gauges),
        )

    run_stage(settings, "keeper", wire)
