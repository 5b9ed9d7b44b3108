"""What the gateway serves: one router a module of `api` and `pages`, by name."""

from fastapi import APIRouter

from services.gateway.api import (
    actions,
    api_keys,
    catalogue,
    custom_fields,
    events,
    files,
    guided,
    imports,
    me,
    members,
    operations,
    results,
    rows,
    settings,
    uploads,
    webhooks,
)
from services.gateway.pages import (
    check,
    confirm,
    dead_letters,
    downloads,
    history,
    importing,
    mapping,
    previewing,
    progress,
    result,
    reviewing,
    shell,
    sign_in,
    static,
)
from services.gateway.pages import operations as operations_page

# fmt: off
API_ROUTERS: tuple[APIRouter, ...] = (
    actions.router,
    api_keys.router,
    catalogue.router,
    custom_fields.router,
    events.router,
    files.router,
    guided.router,
    imports.router,
    me.router,
    members.router,
    operations.router,
    results.router,
    rows.router,
    settings.router,
    uploads.router,
    webhooks.router,
)
PAGE_ROUTERS: tuple[APIRouter, ...] = (
    check.router,
    confirm.router,
    downloads.router,
    dead_letters.router,
    history.router,
    importing.router,
    mapping.router,
    operations_page.router,
    previewing.router,
    progress.router,
    result.router,
    reviewing.router,
    shell.router,
    sign_in.router,
    static.router,
)
# fmt: on
