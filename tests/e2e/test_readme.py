"""The README's own commands, typed one after the other."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import openpyxl

from deploy.local.stack import Stack
from tests.harness.fleet import ROOT
from tests.harness.runbook import shell_blocks
from tests.harness.world import World


async def test_what_the_readme_tells_to_type_imports_its_file_and_hands_one_product_back(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "docs").symlink_to(ROOT / "docs")

    async def run(line: str) -> "subprocess.CompletedProcess[str]":
        return await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", line],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "WINNOW_HOME": str(stack.home)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    block, *_others = shell_blocks(ROOT / "README.md", "Use it")
    # The servers and services of this test run are up; that `winnow up` starts them has a test of its own.
    lines = [line for line in block.splitlines() if not line.startswith("make ")]
    assert len(lines) == 5
    import_id = ""
    for line in lines:
        done = await run(line.replace(" ID ", f" {import_id} "))
        assert done.returncode == (2 if " import " in line else 0), done.stdout + done.stderr
        if " import " in line:
            listed = await run(".venv/bin/winnow status --tenant acme --json")
            (found, *_) = json.loads(listed.stdout)
            import_id = found["id"]
            assert (found["created_rows"], found["failed_rows"]) == (3, 1), found
    handed_back = openpyxl.load_workbook(tmp_path / "corrections.xlsx").worksheets[0]
    assert [cell.value for cell in handed_back["A"]][1:] == ["Merino Jumper"]
    assert (tmp_path / "mine.xlsx").exists()
