"""`winnow lag`: how far behind the stages of a Winnow are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.cli import exits
from services.cli.terminal.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from shared.messaging.lag import TopicLag

_WIDE_ENOUGH = 76


def lag(as_json: Json = False) -> int:
    """How far behind each stage is: records it has not acted on yet. And which services are not ready, where they can be asked."""

    async def run() -> int:
        from dataclasses import asdict

        from services.cli.direct import connected
        from services.cli.terminal.display import print_json, terminal
        from shared.messaging.lag import topic_lag

        async with connected() as winnow:
            lags, wrong = await asyncio.gather(topic_lag(winnow.kafka), winnow.problems())
        for line in wrong:
            terminal(stderr=True).print(line, style="yellow", markup=False)
        if as_json:
            print_json([{**asdict(found), "lag": found.lag} for found in lags])
            return exits.COMPLETED
        _show_lags(terminal(), lags)
        return exits.COMPLETED

    return asyncio.run(run())


def _show_lags(console: Console, lags: Sequence[TopicLag]) -> None:
    from rich.table import Table

    from services.cli.terminal.display import show_table

    wide = console.width >= _WIDE_ENOUGH
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("topic", "stage", "partitions", "published", "acted on", "lag") if wide else ("stage", "topic", "lag"):
        table.add_column(name, justify="left" if name in {"topic", "stage"} else "right")
    for found in lags:
        stage = found.group.removeprefix("winnow-")
        lag = f"[{'yellow' if found.lag else 'green'}]{found.lag:,}[/]"
        if wide:
            table.add_row(found.topic, stage, str(found.partitions), f"{found.end:,}", f"{found.committed:,}", lag)
        else:
            table.add_row(stage, found.topic, lag)
    show_table(console, table)
