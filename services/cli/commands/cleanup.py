"""`winnow cleanup`: what the keeper does every hour, once and now."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from services.cli import exits
from services.cli.terminal.options import Json


def cleanup(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say the same numbers, and remove nothing.")] = False,
    as_json: Json = False,
) -> int:
    """Remove what is kept no longer: rows and files of ended imports, files of none; end imports nobody goes on with.

    For how long things are kept, WINNOW_KEEP_… say, as to the keeper. Needs the keeper's role in the database
    and its storage key. Exit code: 0 done; 1 something could not be removed.
    """
    return asyncio.run(_cleanup(dry_run=dry_run, as_json=as_json))


async def _cleanup(*, dry_run: bool, as_json: bool) -> int:
    from services.cli.direct import connected
    from services.cli.terminal.display import print_json, terminal
    from shared.observability.logs import configure_logs
    from shared.retention.cleanup import FAILED, WHAT, Buckets, Cleanup
    from shared.runtime.settings import RetentionSettings

    configure_logs("cleanup", "WARNING")
    async with connected() as winnow:
        counts = await Cleanup(
            winnow.engine("keeper"),
            winnow.keeping,
            Buckets(*winnow.buckets),
            RetentionSettings().periods,
            dry_run=dry_run,
        ).run()
    if as_json:
        print_json({"dry_run": dry_run, **counts})
    elif not any(counts.values()):
        terminal().print("Nothing is kept for longer than it is to be.", markup=False)
    else:
        for name, number in counts.items():
            if number:
                terminal().print(f"{number:>12,}  {WHAT[name]}", markup=False, highlight=False)
        said = "Nothing was removed; without --dry-run, this would be." if dry_run else "Removed."
        terminal().print(said, markup=False)
    return exits.FAILED if counts[FAILED] else exits.COMPLETED
