"""`winnow migrate`, `topics apply`, `buckets apply`, and `setup` for all three: jobs, told by the environment alone.

Each may be repeated, writes no file, and needs nothing of the local stack.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import typer

from services.cli import exits
from shared.db.migrate import PasswordMissing, migrate
from shared.messaging.kafka import apply_topics
from shared.runtime.settings import KafkaSettings, MigrationSettings, Settings, SettingsInvalid, StorageSettings
from shared.storage import apply_buckets

_SERVERS = ("WINNOW_KAFKA_BOOTSTRAP", "WINNOW_POSTGRES_ADMIN_URL", "WINNOW_S3_ENDPOINT")
_Told = TypeVar("_Told", bound=Settings)

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else to standard output.")]

topics = typer.Typer(help="The topics, as the code declares them.", no_args_is_help=True)
buckets = typer.Typer(help="The buckets for uploads and results.", no_args_is_help=True)


def migrate_database(as_json: Json = False) -> int:
    """Bring the database, its tables and its roles to the newest version. Repeating it changes nothing.

    Told by WINNOW_POSTGRES_ADMIN_URL and WINNOW_SECRET (or WINNOW_ROLE_PASSWORDS).
    """
    asyncio.run(_migrate(_told(MigrationSettings)))
    _say(as_json, {"migrated": True}, "The database is at the newest version.")
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
    told = _all_told(MigrationSettings, KafkaSettings, StorageSettings)
    database, kafka, storage = told[MigrationSettings], told[KafkaSettings], told[StorageSettings]

    async def run() -> dict[str, Any]:
        await _migrate(database)
        return {"migrated": True, "topics": await apply_topics(kafka.kafka), "buckets": await _make_buckets(storage)}

    done = asyncio.run(run())
    lines = [
        "The database is at the newest version.",
        *(
            f"Created {', '.join(done[what])}." if done[what] else f"All {what} are there."
            for what in ("topics", "buckets")
        ),
    ]
    _say(as_json, done, "\n".join(lines))
    return exits.COMPLETED


async def _migrate(told: MigrationSettings) -> None:
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
    return await apply_buckets(told.connection, [told.uploads_bucket, told.results_bucket])


def _told(kind: type[_Told]) -> _Told:
    told: _Told = _all_told(kind)[kind]
    return told


def _all_told(*kinds: type[Settings]) -> dict[type[Any], Any]:
    """The settings of these kinds, out of the environment; where it names no server, of the local stack that runs.

    Raises:
        CommandFailed: a variable is missing or wrong; names all of them.
    """
    instead = {} if any(name in os.environ for name in _SERVERS) else _local_stack()
    told: dict[type[Any], Any] = {}
    wrong: list[str] = []
    for kind in kinds:
        known = {field: kind.variable(field) for field in kind.model_fields}
        try:
            told[kind] = kind(
                **{field: instead[name] for field, name in known.items() if name in instead and name not in os.environ}
            )
        except SettingsInvalid as error:
            wrong.append(str(error))
    if wrong:
        raise exits.CommandFailed("\n".join(dict.fromkeys(wrong)), code=exits.MISCONFIGURED)
    return told


def _local_stack() -> Mapping[str, str]:
    """What the local stack of this checkout would say in the environment; nothing when it does not run."""
    try:
        from deploy.local.stack import Stack  # noqa: PLC0415 - an extra, which a job does without
    except ModuleNotFoundError:
        return {}
    stack = Stack()
    if stack.state.endpoints is None:
        return {}
    return {
        "WINNOW_KAFKA_BOOTSTRAP": stack.endpoints.kafka_bootstrap,
        "WINNOW_POSTGRES_ADMIN_URL": stack.endpoints.postgres_admin_url,
        "WINNOW_SECRET": stack.state.secret,
        "WINNOW_S3_ENDPOINT": stack.endpoints.s3_endpoint,
        "WINNOW_S3_ACCESS_KEY": stack.endpoints.s3_access_key,
        "WINNOW_S3_SECRET_KEY": stack.endpoints.s3_secret_key,
    }


def _say(as_json: bool, known: Mapping[str, Any], words: str) -> None:
    print(json.dumps(known, indent=2) if as_json else words)
