"""What reading a file costs, measured in a process of its own: `python -m tests.harness.reading_costs FILE`.

Prints JSON: how it ended, seconds, the peak memory of the reading process, and by how much this one grew, which listens
and cuts rows into chunks as the parser does.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

import psutil

from services.parser.mapping.chunks import ChunkCutter, ChunkSizes
from services.parser.reading.frames import read_rows
from services.parser.reading.limits import Limits
from services.parser.reading.sandbox import ReadRequest, reading
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS


async def _read(path: Path) -> str:
    cutter = ChunkCutter(PRODUCTS, ChunkSizes())
    rows = 0
    try:
        async with reading(ReadRequest(path, path.name, "products", "create", {}), Limits(), silence=300) as heard:
            async for said in heard:
                if isinstance(said, bytes):
                    for row in read_rows(said):
                        rows += 1
                        list(cutter.add(row))
        cutter.finish()
    except FileRefused as refused:
        return f"{refused.code}: {refused.message}"
    return f"read: {rows} rows"


def _peak() -> int:
    """The most memory of this process; what `getrusage` says is that of whoever started it, if that is more."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Read one file and say what it cost."""
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    ended = asyncio.run(_read(Path(sys.argv[1])))
    print(  # noqa: T201 - this is its output
        json.dumps(
            {
                "ended": ended,
                "seconds": round(time.perf_counter() - began, 2),
                "child": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
                "parent": _peak() - before,
            }
        )
    )


if __name__ == "__main__":
    main()
