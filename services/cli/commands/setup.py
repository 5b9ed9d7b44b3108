"""`winnow migrate`, `topics apply`, `buckets apply`, and `setup` for all three: jobs, told by the environment alone.

Each may be repeated, writes no file, and needs nothing of the local stack.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from services.cli import exits
from services.cli.profiles import chosen
from services.cli.terminal.options import Json

if TYPE_CHECKING:
    from shared.runtime.settings import MigrationSettings, Settings, StorageSettings

_Told = TypeVar("_Told", bound="Settings")

topics = typer.Typer(help="The topics, as the code declares them.", no_args_is_help=True)
buckets = typer.Typer(help="The buckets for uploads and results.", no_args_is_help=True)


def migrate_database(as_json: Json = False) -> int:
    """Bring the database, its tables and its roles to the newest version. Repeating it changes nothing.

    Told by WINNOW_POSTGRES_ADMIN_URL and WINNOW_SECRET (or WINNOW_ROLE_PASSWORDS).
    """
    from shared.runtime.settings import MigrationSettings

    asyncio.run(_migrate(_told(MigrationSettings)))
    _say(as_json, {"migrated": True}, "The database is at the newest version, and its roles have their passwords.")
    return exits.COMPLETED


@topics.command("apply")
def apply_all_topics(
    replication: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Replicas of topics that are made; else WINNOW_KAFKA_REPLICATION_FACTOR, else 3 or as many as there are brokers.",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Create the topics that are missing, dead-letter topics included. What is there is left alone.

    Told by WINNOW_KAFKA_BOOTSTRAP, and how to log in there.
    """
    from shared.messaging.kafka import apply_topics
    from shared.runtime.settings import KafkaSettings

    made = asyncio.run(apply_topics(_told(KafkaSettings).kafka, replication=replication))
    _say(as_json, {"created": made}, f"Created {', '.join(made)}." if made else "All topics are there.")
    return exits.COMPLETED


@topics.callback()
def _topics() -> None:
    """The topics, as the code declares them."""


@buckets.command("apply")
def apply_all_buckets(as_json: Json = False) -> int:
    """Create the buckets that are missing. What is there is left alone.

    Told by WINNOW_S3_ENDPOINT, WINNOW_S3_ACCESS_KEY and WINNOW_S3_SECRET_KEY: a key that may create buckets.
    """
    from shared.runtime.settings import StorageSettings

    made = asyncio.run(_make_buckets(_told(StorageSettings)))
    _say(as_json, {"created": made}, f"Created {', '.join(made)}." if made else "All buckets are there.")
    return exits.COMPLETED


@buckets.callback()
def _bucket_commands() -> None:
    """The buckets for uploads and results."""


def setup(as_json: Json = False) -> int:
    """Make a Winnow's database, topics and buckets on servers of yours, or bring them to the newest version.

    Does what `migrate`, `topics apply` and `buckets apply` do, and is told what they are told. Repeating it changes nothing.
    """
    from shared.messaging.kafka import apply_topics
    from shared.runtime.settings import KafkaSettings, MigrationSettings, StorageSettings

    told = _all_told(MigrationSettings, KafkaSettings, StorageSettings)
    database, kafka, storage = told[MigrationSettings], told[KafkaSettings], told[StorageSettings]

    async def run() -> dict[str, Any]:
        await _migrate(database)
        return {"migrated": True, "topics": await apply_topics(kafka.kafka), "buckets": await _make_buckets(storage)}

    done = asyncio.run(run())
    lines = [
        "The database is at the newest version, and its roles have their passwords.",
        *(
            f"Created {', '.join(done[what])}." if done[what] else f"All {what} are there."
            for what in ("topics", "buckets")
        ),
    ]
    _say(as_json, done, "\n".join(lines))
    return exits.COMPLETED


async def _migrate(told: MigrationSettings) -> None:
    from shared.db.migrate import PasswordMissing, migrate

    try:
        await migrate(
            told.postgres_admin_url.get_secret_value(),
            None if told.secret is None else told.secret.get_secret_value(),
            database=told.database_name,
            passwords={role: password.get_secret_value() for role, password in told.role_passwords.items()},
            options=told.database_options,
        )
    except PasswordMissing as error:
        raise exits.CommandFailed(
            f"{error}. Set WINNOW_SECRET, or the passwords in WINNOW_ROLE_PASSWORDS.", code=exits.MISCONFIGURED
        ) from None


async def _make_buckets(told: StorageSettings) -> list[str]:
    from shared.storage import apply_buckets

    return await apply_buckets(told.connection, [told.uploads_bucket, told.results_bucket])


def _told(kind: type[_Told]) -> _Told:
    told: _Told = _all_told(kind)[kind]
    return told


def _all_told(*kinds: type[Settings]) -> dict[type[Any], Any]:
    """The settings of these kinds, out of the environment, then of the profile; naming neither, of the local stack that runs.

    Raises:
        CommandFailed: a variable is missing or wrong; names all of them.
    """
    from services.cli.settings import stand_in
    from shared.runtime.settings import SettingsInvalid

    instead = stand_in()
    told: dict[type[Any], Any] = {}
    wrong: list[str] = []
    for kind in kinds:
        variables = {field: kind.variable(field) for field in kind.model_fields}
        names = {field: name.removeprefix("WINNOW_").lower() for field, name in variables.items()}
        try:
            told[kind] = kind(
                **{
                    field: instead[name]
                    for field, name in names.items()
                    if name in instead and variables[field] not in os.environ
                }
            )
        except SettingsInvalid as error:
            wrong.append(str(error))
    if wrong:
        where = f'\n(neither in the environment nor in profile "{chosen()}")' if chosen() else ""
        raise exits.CommandFailed("\n".join(dict.fromkeys(wrong)) + where, code=exits.MISCONFIGURED)
    return told


def _say(as_json: bool, known: Mapping[str, Any], words: str) -> None:
    print(json.dumps(known, indent=2) if as_json else words)
