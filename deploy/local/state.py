"""What a stack keeps between commands."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.json_file import JsonFile
from deploy.local.processes import ProcessRecord


@dataclass(frozen=True)
class Endpoints:
    """Where the servers are, with the keys to everything. Not for logs."""

    kafka_bootstrap: str
    postgres_admin_url: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str


@dataclass
class StackState:
    """Secrets, addresses, and which services are wanted."""

    secret: str = ""
    s3_keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    endpoints: Endpoints | None = None
    supervisor: ProcessRecord | None = None
    services: dict[str, dict[str, float]] = field(default_factory=dict)
    """By replica (`parser-0`): its port."""
    gateway_port: int = 0
    """Where the gateway answers people and their systems; its second process, if any, at the next one."""
    release: str = ""
    """The code that services are to run; empty as long as a supervisor of before there were releases runs."""


class StateFile:
    """The state of one folder, in a file only its owner reads."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path)

    def load(self) -> StackState:
        """The state as it is now; an empty one when nothing was kept yet."""
        known = self._file.read()
        if not known:
            return StackState()
        return StackState(
            secret=known["secret"],
            s3_keys={name: (keys[0], keys[1]) for name, keys in known["s3_keys"].items()},
            endpoints=Endpoints(**known["endpoints"]) if known["endpoints"] else None,
            supervisor=ProcessRecord(**known["supervisor"]) if known["supervisor"] else None,
            services=known["services"],
            gateway_port=known.get("gateway_port", 0),
            release=known.get("release", ""),
        )

    def save(self, state: StackState) -> None:
        """Keep it; written only when it has changed, so that a full disk does not keep a stack from being looked after.

        Raises:
            OSError: it could not be written; what was kept before still is.
        """
        if self.load() != state:
            self._file.write(asdict(state))
