"""The local stack as a Winnow like any other: its settings, and what its service processes say."""

from collections.abc import Mapping

from deploy.local.s3_server import RESULTS, UPLOADS
from deploy.local.stack import Stack
from services.cli.local.access import LocalServices
from services.cli.reach import Services


def running_stack() -> tuple[Mapping[str, str], Services] | None:
    """Settings and services of the stack of this checkout; None when its servers do not run."""
    stack = Stack()
    return (settings_of(stack), LocalServices(stack)) if stack.running else None


def administration() -> Mapping[str, str]:
    """The settings of an administrator of the stack of this checkout; none when its servers do not run."""
    stack = Stack()
    if not stack.running:
        return {}
    endpoints = stack.endpoints
    keys = {"s3_access_key": endpoints.s3_access_key, "s3_secret_key": endpoints.s3_secret_key}
    return {**settings_of(stack), **keys}


def settings_of(stack: Stack) -> dict[str, str]:
    """The settings of who administers a stack that runs."""
    endpoints = stack.endpoints
    keeper_access_key, keeper_secret_key = stack.storage_keys("keeper")
    return {
        "kafka_bootstrap": endpoints.kafka_bootstrap,
        "postgres_admin_url": endpoints.postgres_admin_url,
        "secret": stack.state.secret,
        "s3_endpoint": endpoints.s3_endpoint,
        "s3_keeper_access_key": keeper_access_key,
        "s3_keeper_secret_key": keeper_secret_key,
        "s3_admin_access_key": endpoints.s3_access_key,
        "s3_admin_secret_key": endpoints.s3_secret_key,
        "s3_uploads_bucket": UPLOADS,
        "s3_results_bucket": RESULTS,
    }
