"""How a tenant writes values: everybody of it sees that, administrators say it."""

import structlog
from fastapi import APIRouter

from services.gateway import problems
from services.gateway.asking import Admin, Viewer, Ways
from services.gateway.imports.transactions import acting, reading
from services.gateway.people import tenant_of
from shared.api.settings import Settings, SettingsChange
from shared.intake.settings import change_settings, is_region, is_time_zone, read_settings

router = APIRouter(prefix="/v1/settings", tags=["records"])
log = structlog.get_logger(__name__)


@router.get("", operation_id="get_settings", responses=problems.of(401, 403))
async def get_settings(ways: Ways, person: Viewer) -> Settings:
    """How values are meant that do not say it themselves."""
    async with reading(ways, person) as conn:
        return Settings.model_validate(await read_settings(conn), from_attributes=True)


@router.patch("", operation_id="change_settings", responses=problems.of(401, 403, 422))
async def change_settings_(ways: Ways, person: Admin, asked: SettingsChange) -> Settings:
    """Change it, for imports whose reading has not begun."""
    said = asked.model_dump(exclude_none=True)
    if "region" in said and not is_region(said["region"]):
        raise problems.invalid("region", f'"{said["region"]}" is no country that has phone numbers; say DK, US, …')
    if "time_zone" in said and not is_time_zone(said["time_zone"]):
        raise problems.invalid("time_zone", "there is no such time zone; say Europe/Copenhagen, UTC, …")
    async with acting(ways, person) as conn:
        changed = await change_settings(conn, tenant_of(person), said, by=person.user)
    log.info("settings.changed", tenant=person.tenant, by=person.user, **said)
    return Settings.model_validate(changed, from_attributes=True)
