"""What keeps the services from working, in words for whoever waits for them."""

import asyncio

from deploy.local.stack import SILENT, STOPPED, Stack
from services.cli.terminal.hints import typed


async def problems(stack: Stack) -> list[str]:
    """A line for every service of the local stack that is not ready, with the way out; none when all are."""
    found = await asyncio.to_thread(stack.not_ready)
    if not stack.services_running and len(found) == len(stack.state.services) and set(found.values()) <= {SILENT}:
        return [f"The services do not run here, so nothing moves until they do: {typed('up')}"]
    return [described(name, why) for name, why in found.items()]


def described(name: str, why: str) -> str:
    """One service that is not ready, and what to do."""
    if not why.startswith(STOPPED):
        return f"{name} is not ready: {why}"
    return (
        f"{name} has stopped itself: {reason_of(why)}. See them: {typed('dead-letters', 'list')}   "
        f"Once the cause is fixed, start it again: {typed('up')}"
    )


def reason_of(why: str) -> str:
    """Why a service has stopped itself, without the advice for those who have no command at hand."""
    return why.removeprefix(STOPPED).partition(";")[0]
