"""Wiring of the validator."""

from services.validator.families import families
from services.validator.handler import ValidateRows
from services.validator.settings import ValidatorSettings
from shared.events.topics import ROWS_STAGED, ROWS_VALIDATED
from shared.runtime.process import run_stage
from shared.runtime.stage import Resources, Stage


def main() -> None:
    """Run the validator until it is told to stop."""

    def wire(resources: Resources) -> Stage:
        return Stage(
            name="validator",
            topic=ROWS_STAGED,
            handler=ValidateRows(resources.engine, families()),
            tenants_at_once=2,
            relays=(ROWS_VALIDATED,),
        )

    run_stage(ValidatorSettings(), "validator", wire)
