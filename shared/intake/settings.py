"""How a tenant writes values: whose phone numbers are meant, where times are, which forms dates and numbers have.

Runs in a transaction of the tenant; changes as the role `winnow_intake`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

import phonenumbers
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.entities.own_fields import DEFAULT_SETTINGS

# Whatever a machine is set to.
_OF_NO_PLACE = frozenset({"localtime", "Factory"})
_COLUMNS = "region, time_zone, date_format, decimal, updated_at, updated_by"
_READ = text(f"SELECT {_COLUMNS} FROM crm.settings")  # noqa: S608 - our own words
_WRITE = text(
    f"""
    INSERT INTO crm.settings AS s (tenant_id, region, time_zone, date_format, decimal, updated_by)
    VALUES (:tenant, coalesce(:region, :d_region), coalesce(:time_zone, :d_time_zone),
            coalesce(:date_format, :d_date_format), coalesce(:decimal, :d_decimal), :by)
    ON CONFLICT (tenant_id) DO UPDATE
       SET region = coalesce(:region, s.region), time_zone = coalesce(:time_zone, s.time_zone),
           date_format = coalesce(:date_format, s.date_format), decimal = coalesce(:decimal, s.decimal),
           updated_by = excluded.updated_by, updated_at = clock_timestamp()
    RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Settings:
    """How a tenant writes values; `updated_at` is None where it has said nothing of it."""

    region: str
    time_zone: str
    date_format: str
    decimal: str
    updated_at: datetime | None = None
    updated_by: str | None = None


def is_region(name: str) -> bool:
    """Whether it is a country that has phone numbers of its own."""
    return name in phonenumbers.SUPPORTED_REGIONS


def is_time_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    return name in available_timezones() - _OF_NO_PLACE


async def read_settings(conn: AsyncConnection) -> Settings:
    """How the tenant writes values."""
    found = (await conn.execute(_READ)).mappings().one_or_none()
    return Settings(**(DEFAULT_SETTINGS if found is None else found))


async def change_settings(conn: AsyncConnection, tenant_id: str, said: Mapping[str, str], *, by: str) -> Settings:
    """Change what is said of it; what is not said stays."""
    values = {name: said.get(name) for name in DEFAULT_SETTINGS}
    defaults = {f"d_{name}": value for name, value in DEFAULT_SETTINGS.items()}
    changed = await conn.execute(_WRITE, {**values, **defaults, "tenant": tenant_id, "by": by})
    return Settings(**changed.mappings().one())
