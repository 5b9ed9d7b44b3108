"""The state of all, put together from the ledger, the outbox and Kafka; asked for by many, it is found out once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from services.gateway.operations import judgement
from services.gateway.operations.letters import Letters, waiting_letters
from services.gateway.resources import Gateway
from shared.api.operations import Operations, OutboxNumbers, StageLag, StuckImport
from shared.intake.operations import STAGE_TOPICS, OutboxLag, StageWork, UnderWay, read_under_way
from shared.messaging.failures import FailureKind, kind_of
from shared.messaging.lag import TopicLag, group_members, topic_lag

log = structlog.get_logger(__name__)

T = TypeVar("T")
_PATIENCE = 8.0
_NOTHING = OutboxLag(0, 0, None)


async def operations_of(ways: Gateway, *, or_older: float = 0) -> Operations:
    """The state of all, as it was at most `or_older` seconds ago. What Kafka does not answer in time is not known."""
    return await ways.operations.of("operations", lambda: _found(ways), or_older=or_older)


async def _found(ways: Gateway) -> Operations:
    under_way, lags, members, letters = await asyncio.gather(
        _under_way(ways),
        _asked(lambda: topic_lag(ways.kafka)),
        _asked(lambda: group_members(ways.kafka)),
        _asked(lambda: waiting_letters(ways)),
    )
    stages = tuple(_stage(name, under_way, lags, members, letters) for name in STAGE_TOPICS)
    dead = None if letters is None else len(letters)
    verdict, sentence = judgement.says(stages, stuck=len(under_way.stuck), dead_letters=dead)
    oldest = max(
        (stage for stage in stages if stage.oldest_seconds is not None),
        key=lambda stage: stage.oldest_seconds or 0,
        default=None,
    )
    return Operations(
        judgement=verdict,
        says=f"{sentence}.",
        what_to_do=judgement.what_to_do(stages, stuck=len(under_way.stuck), dead_letters=dead),
        running_imports=under_way.running_imports,
        running_tenants=under_way.running_tenants,
        rows_per_second=round(under_way.work["imported"].rows_last_minute / 60, 1),
        oldest_chunk_seconds=None if oldest is None else oldest.oldest_seconds,
        oldest_chunk_stage=None if oldest is None else oldest.name,
        outbox=_outbox(under_way),
        dead_letters=dead,
        oldest_dead_letter_seconds=_age(letters),
        stages=stages,
        stuck=tuple(StuckImport.model_validate(_numbers(found), from_attributes=True) for found in under_way.stuck),
    )


async def _under_way(ways: Gateway) -> UnderWay:
    async with ways.operator.connect() as conn:
        return await read_under_way(conn)


async def _asked(ask: Callable[[], Awaitable[T]]) -> T | None:
    """What Kafka answers; None where it does not."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await ask()
    except Exception as error:
        if kind_of(error) is not FailureKind.TRANSIENT:
            raise
        log.warning("operations.kafka_away", error=repr(error))
        return None


def _stage(
    name: str,
    under_way: UnderWay,
    lags: list[TopicLag] | None,
    members: dict[str, int] | None,
    letters: Letters | None,
) -> StageLag:
    topic = STAGE_TOPICS[name]
    lag = next((each for each in lags or () if each.topic == topic), None)
    waits = under_way.outbox.get(topic, _NOTHING)
    work: StageWork = under_way.work[name]
    waiting = waits.waiting + waits.in_flight
    return StageLag.model_validate(
        {
            "name": name,
            "topic": topic,
            "judgement": judgement.judge(
                behind=None if lag is None else lag.lag,
                oldest=waits.oldest,
                done_last_minute=work.by_minute[-1],
                waiting=waiting,
            ),
            "behind": None if lag is None else lag.lag,
            "partitions": None if lag is None else lag.partitions,
            "processes": None if lag is None or members is None else members.get(lag.group),
            "oldest_seconds": None if waits.oldest is None else round(waits.oldest, 1),
            "done_per_second": round(work.per_second, 2),
            "last_minutes": work.by_minute,
            "clears_in_seconds": judgement.clears_in(waiting=waiting, by_minute=work.by_minute),
            "dead_letters": None if letters is None else sum(letter.origin.name == topic for letter in letters),
        }
    )


def _outbox(under_way: UnderWay) -> OutboxNumbers:
    ages = [each.oldest for each in under_way.outbox.values() if each.oldest is not None]
    return OutboxNumbers(
        in_flight=sum(each.in_flight for each in under_way.outbox.values()),
        waiting=sum(each.waiting for each in under_way.outbox.values()),
        oldest_seconds=round(max(ages), 1) if ages else None,
    )


def _age(letters: Letters | None) -> float | None:
    if not letters:
        return None
    return round((datetime.now(UTC) - min(letter.at for letter in letters)).total_seconds(), 1)


def _numbers(found: object) -> dict[str, object]:
    return {name: getattr(found, "tenant_id" if name == "tenant" else name) for name in StuckImport.model_fields}
