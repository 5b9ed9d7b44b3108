"""A disk that is full in the middle of the work, and has room again later."""

import asyncio
from pathlib import Path

from tests.chaos.conftest import Undisturbed
from tests.harness.fleet import ServiceProcess
from tests.harness.world import World, eventually

# A limit that every machine of ours lets a test set: as long as the file is there, nothing is written to the work folder.
FULL_DISK = """
import errno, io, pathlib
from services.parser.app import main

class Full(io.FileIO):
    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

opened = pathlib.Path.open

def open_(path, mode="r", *more, **named):
    if "w" in mode and path.suffix == ".part" and pathlib.Path({full!r}).exists():
        return Full(path, mode.replace("b", ""))
    return opened(path, mode, *more, **named)

pathlib.Path.open = open_
main()
"""


async def test_a_full_disk_is_waited_out_and_changes_nothing(
    idle_world: World, undisturbed: Undisturbed, tenant: str, tmp_path: Path
) -> None:
    world, full = idle_world, tmp_path / "full"
    await asyncio.to_thread(full.touch)
    world.fleet.start({"validator": 1, "committer": 1, "exporter": 1})
    parser = ServiceProcess(
        "parser",
        0,
        world.fleet.environment_of("parser", 0),
        tmp_path / "parser.log",
        program=FULL_DISK.format(full=str(full)),
    )
    world.fleet.members.append(parser)
    parser.start()
    await asyncio.to_thread(parser.wait_ready)
    import_id = world.send(tenant, undisturbed.path)

    async def waits() -> bool:
        return parser.log.read_text().count("No space left on device") >= 4

    await eventually("the parser waits for room on its disk", waits)
    found = await world.progress(import_id)
    assert found is not None
    assert found.status == "uploading", "a full disk is nobody's fault, and no reason to give a file up"
    await asyncio.to_thread(full.unlink)
    await undisturbed.assert_same(world, tenant, await world.ended(import_id, seconds=180))
    assert "event.quarantined" not in parser.log.read_text()
