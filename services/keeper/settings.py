"""What the keeper is told by its environment (prefix `WINNOW_KEEPER_`)."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


class KeeperSettings(Settings):
    """How often the keeper looks, and when it gives work up.

    Work is given up late: a stage that is scaled to nothing over night is waited for, not reported as bad rows.
    """

    model_config = SettingsConfigDict(env_prefix="WINNOW_KEEPER_", frozen=True)

    interval_seconds: float = Field(default=5, description="time between two rounds")
    stuck_after: timedelta = Field(
        default=timedelta(hours=24),
        description="work that was handed out `stuck_publishes` times and is older than this is given up",
    )
    stuck_publishes: int = Field(default=50, description="how often work is handed out before it may be given up")
    compare_seconds: float = Field(default=30, description="time between two comparisons of the ledger with the outbox")
    lost_after: timedelta = Field(
        default=timedelta(minutes=5), description="open work that no event is about is announced again after this time"
    )
    cleanup_seconds: float = Field(
        default=3600, description="time between two rounds over what is kept (for how long: `WINNOW_KEEP_…`)"
    )
