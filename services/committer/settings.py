"""What the committer is told by its environment: what every service is told (prefix `WINNOW_`), and no more."""

from shared.runtime.settings import ServiceSettings


class CommitterSettings(ServiceSettings):
    """Nothing of its own: what is committed was decided before."""
