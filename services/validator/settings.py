"""What the validator is told by its environment: what every service is told (prefix `WINNOW_`), and no more."""

from shared.runtime.settings import ServiceSettings


class ValidatorSettings(ServiceSettings):
    """Nothing of its own: the rules are the same for everybody."""
