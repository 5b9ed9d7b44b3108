"""Another user for PostgreSQL, which refuses to run as root. Standard library only: asked before anything is installed."""

import ctypes
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_NAME = "nobody"

_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2


class NoOtherUser(Exception):
    """We are root, and no other user can run PostgreSQL in this folder; says what to do."""


@dataclass(frozen=True)
class Unprivileged:
    """A user that is not root, with at most one right of root: to get into folders that are closed to it.

    A clone below /root would otherwise be out of reach, and opening /root to everybody is not ours to do.
    """

    uid: int
    gid: int
    capability: int | None = None

    def become(self) -> None:
        """Be this user from now on, for good. For `preexec_fn`.

        Raises:
            OSError: the system does not let us.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        if self.capability is not None:
            # access(2) looks at the real user and forgets the capability, unless the kernel is told to leave it alone.
            _call(libc.prctl, _PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if self.capability is not None:
            only = 1 << self.capability
            header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
            _call(libc.capset, header, (ctypes.c_uint32 * 6)(only, only, only, 0, 0, 0))
            _call(libc.prctl, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, self.capability, 0, 0)


def user_for(folder: Path, program: Path | None = None) -> Unprivileged | None:
    """The user that can write below a folder of ours and run a program, with the fewest rights; None when we are not root.

    Raises:
        NoOtherUser: there is none.
    """
    if os.geteuid() != 0:
        return None
    try:
        known = pwd.getpwnam(_NAME)
    except KeyError:
        raise NoOtherUser(_advice(f"there is no user `{_NAME}`")) from None
    for capability in (None, _CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        user = Unprivileged(known.pw_uid, known.pw_gid, capability)
        if _works(user, folder, program):
            return user
    raise NoOtherUser(_advice(f"the user `{_NAME}` cannot be given a way into {folder}"))


def _works(user: Unprivileged, folder: Path, program: Path | None) -> bool:
    probe = Path(tempfile.mkdtemp(prefix=".probe-", dir=folder))
    try:
        os.chown(probe, user.uid, user.gid)
        # `cd` and `test` ask with access(2), as initdb does of its own files.
        script = 'cd "$1" && : >written && test -r "$1/written"'
        if program is not None:
            script += ' && test -x "$2" && "$2" --version >/dev/null'
        tried = subprocess.run(
            ["/bin/sh", "-c", script, "sh", str(probe), str(program)],
            preexec_fn=user.become,
            cwd="/",
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        with suppress(OSError):
            # Root without the right to pass over modes removes only what is its own.
            os.chown(probe, os.geteuid(), os.getegid())
        shutil.rmtree(probe, ignore_errors=True)
    return tried.returncode == 0


def _call(function: "ctypes._NamedFuncPointer", *arguments: object) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _advice(why: str) -> str:
    return (
        f"PostgreSQL refuses to run as root, and {why}: run Winnow as an ordinary user, or in another folder, "
        "or name a PostgreSQL of yours in WINNOW_POSTGRES_ADMIN_URL."
    )
