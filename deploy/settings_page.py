"""docs/settings.md: every variable, out of the settings classes of the services and of `shared`."""

import importlib
import importlib.util
import json
import pkgutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

import services
from shared.periods import in_words

_SHARED = "shared.runtime.settings"
_TITLES = {
    "KafkaSettings": ("Kafka", "all services; `winnow topics apply`, `winnow setup`"),
    "DatabaseSettings": ("Postgres", "all services; `winnow migrate`, `winnow setup`"),
    "StorageSettings": ("Storage", "parser, exporter, keeper; `winnow buckets apply`, `winnow setup`"),
    "RetentionSettings": ("What is kept how long", "the keeper; `winnow cleanup`"),
    "WebhookSettings": ("Addresses of webhooks", "the gateway and the notifier"),
    "ServiceSettings": ("Services", "all services, beside Kafka and Postgres"),
    "MigrationSettings": ("Setting up", "`winnow migrate`, `winnow setup`"),
    "AddressSettings": ("The command", "`winnow`, for all that a user does"),
    "ServerSettings": (
        "The command of an administrator",
        "`winnow tenants`, `dead-letters`, `lag`, `cleanup`, which go to the servers themselves",
    ),
    "UploadSettings": ("Uploads", "the gateway"),
    "ParserSettings": ("Parser", "the parser"),
    "ExporterSettings": ("Exporter", "the exporter"),
    "KeeperSettings": ("Keeper", "the keeper"),
    "WhoSettings": ("Who asks", "the gateway"),
    "GatewaySettings": ("Gateway", "the gateway"),
    "NotifierSettings": ("Notifier", "the notifier"),
    "MailSettings": ("E-mail", "the notifier; without a host nobody gets any"),
}
# Read where there are no settings yet: before a folder or a server is known.
_LOCAL = {
    "WINNOW_PROFILE": "which profile `winnow` uses, as `--profile`",
    "WINNOW_CONFIG": "file of the profiles; default: `~/.config/winnow/config.toml`",
    "WINNOW_HOME": "folder of the local stack; default: `.winnow` in the checkout",
    "WINNOW_RELEASE": "what `winnow up` tells its services by, to know which of them run older code; nothing reads it",
    "WINNOW_KAFKA_LIBRARIES": "folder with Kafka's libraries; default: fetched once into `.winnow`",
}


def settings_classes() -> list[type[BaseSettings]]:
    """Every settings class of ours that has fields of its own, shared ones first."""
    named = [_SHARED, *(f"services.{module.name}.settings" for module in pkgutil.iter_modules(services.__path__))]
    found = [
        kind
        for name in named
        if importlib.util.find_spec(name) is not None
        for kind in vars(importlib.import_module(name)).values()
        if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind.__module__ == name
    ]
    return [kind for kind in found if own_fields(kind)]


def own_fields(kind: type[BaseSettings]) -> dict[str, FieldInfo]:
    """The fields a class adds to those it inherits."""
    inherited = {name for parent in kind.__mro__[1:] for name in getattr(parent, "model_fields", {})}
    return {name: field for name, field in kind.model_fields.items() if name not in inherited}


def variable(kind: type[BaseSettings], field: str) -> str:
    """The environment variable of a field."""
    return f"{kind.model_config.get('env_prefix', '')}{field}".upper()


def settings_page() -> str:
    """The page."""
    lines = [
        "# Settings",
        "",
        "Generated from the settings classes by `make docs`; do not edit.",
        "",
        "Processes and jobs are told everything by their environment. A variable without a default has to be set; what",
        "is missing or wrong is named when the process starts. Values marked *secret* appear in no log.",
    ]
    for kind in settings_classes():
        lines += _section(kind)
    lines += ["", "## The command and the local stack", "", "| variable | |", "|---|---|"]
    lines += [f"| `{name}` | {what} |" for name, what in _LOCAL.items()]
    lines += [
        "",
        "The local stack uses servers of yours instead of starting its own when `WINNOW_KAFKA_BOOTSTRAP`, `WINNOW_POSTGRES_ADMIN_URL`",
        "or `WINNOW_S3_ENDPOINT` (with its keys) are set; the same for its OpenID Connect provider and `WINNOW_GATEWAY_OIDC_ISSUER`.",
    ]
    return "\n".join(lines) + "\n"


def _section(kind: type[BaseSettings]) -> Iterator[str]:
    title, who = _TITLES.get(kind.__name__, (kind.__name__.removesuffix("Settings"), ""))
    yield from ("", f"## {title}", "")
    yield from (f"For: {who}.", "") if who else ()
    yield from (" ".join((kind.__doc__ or "").split()), "", "| variable | type | default | |", "|---|---|---|---|")
    for name, field in own_fields(kind).items():
        yield (
            f"| `{variable(kind, name)}` | {_type_name(field.annotation)} | {_default(field)} | "
            f"{(field.description or '').replace('|', chr(92) + '|')} |"
        )


def _type_name(annotation: Any) -> str:
    parts: Sequence[Any] = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return " or ".join(_named(part) for part in parts if part is not NoneType)


def _named(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return "JSON"
    if get_origin(kind) is dict:
        return "JSON, *secret*" if SecretStr in get_args(kind) else "JSON"
    if get_args(kind):
        return _named(get_args(kind)[0])
    names = {
        SecretStr: "*secret*",
        bool: "true or false",
        int: "whole number",
        float: "number",
        str: "text",
        timedelta: "ISO 8601 duration or seconds",
    }
    return names.get(kind, "path")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, tuple):
        return f"`{json.dumps(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        return in_words(value)
    return f"{value:,}" if isinstance(value, int | float) else f"`{value}`"
