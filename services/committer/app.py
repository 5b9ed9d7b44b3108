"""Wiring of the committer."""

from services.committer.families import families
from services.committer.handler import CommitRows
from services.committer.settings import CommitterSettings
from shared.events.topics import IMPORT_COMPLETED, ROWS_VALIDATED
from shared.runtime.process import run_stage
from shared.runtime.stage import Resources, Stage


def main() -> None:
    """Run the committer until it is told to stop."""

    def wire(resources: Resources) -> Stage:
        return Stage(
            name="committer",
            topic=ROWS_VALIDATED,
            handler=CommitRows(resources.engine, families(), beat=resources.health.beat),
            tenants_at_once=2,
            relays=(IMPORT_COMPLETED,),
        )

    run_stage(CommitterSettings(), "committer", wire)
