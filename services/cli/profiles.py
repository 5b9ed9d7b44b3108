"""Profiles: what deployed Winnows are called, and how each one is reached, in one file of its user.

    [profiles.production]
    kafka_bootstrap = "kafka.example.net:9092"

The file is `$WINNOW_CONFIG`, else `~/.config/winnow/config.toml` (below `$XDG_CONFIG_HOME` when that is set). Keys are
the settings of `services.cli.settings.ClientSettings`, that is, names of environment variables without `WINNOW_` and in
small letters.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from services.cli.exits import MISCONFIGURED, CommandFailed

DEFAULT = "default"
"""The profile that is used when none is named, if the file has one of this name."""

_chosen: ContextVar[str | None] = ContextVar("profile", default=None)


def choose(name: str | None) -> None:
    """Use this profile for the present command; None leaves it to `$WINNOW_PROFILE`."""
    _chosen.set(name)


def chosen() -> str | None:
    """The profile that was asked for, by the option or by `$WINNOW_PROFILE`; None when nobody named one."""
    return _chosen.get() or os.environ.get("WINNOW_PROFILE") or None


def config_file() -> Path:
    """Where the profiles are kept; it need not be there."""
    if named := os.environ.get("WINNOW_CONFIG"):
        return Path(named)
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "winnow" / "config.toml"


def read_profile() -> Mapping[str, Any]:
    """The settings of the profile that is to be used; none when no profile is named and there is no default one.

    Raises:
        CommandFailed: the named profile is not there, or the file is not readable TOML.
    """
    path, name = config_file(), chosen()
    profiles = _profiles(path)
    if name is None:
        return profiles.get(DEFAULT, {})
    if name in profiles:
        return profiles[name]
    near = difflib.get_close_matches(name, profiles, n=1)
    there = f"Did you mean {near[0]}?" if near else f"It has {', '.join(sorted(profiles)) or 'none'}."
    raise CommandFailed(f'There is no profile "{name}" in {path}. {there}', code=MISCONFIGURED)


def _profiles(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if os.environ.get("WINNOW_CONFIG"):
            raise CommandFailed(f"WINNOW_CONFIG names {path}, which is not there", code=MISCONFIGURED) from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}", code=MISCONFIGURED) from error
    profiles = said.get("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(profile, dict) for profile in profiles.values()):
        raise CommandFailed(f"{path}: a profile is a table, [profiles.NAME], with settings in it", code=MISCONFIGURED)
    return profiles
