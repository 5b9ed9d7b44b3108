"""A newcomer who does what a page of the documentation says: code blocks become files of a copy of the sources."""

import re
import shutil
from pathlib import Path

_BLOCK = re.compile(r"```(?P<kind>python|diff)\n# (?P<name>\S+)\n(?P<body>.*?)```", re.DOTALL)
_SOURCES = ("services", "shared", "deploy", "docs", "pyproject.toml")


def follow(page: Path, root: Path, copy: Path) -> list[str]:
    """Copy the sources under `root` and apply every block that names its file; the names, in order.

    A `python` block is the whole file, a `diff` block changes one: each run of its lines is found once and replaced.
    """
    for name in _SOURCES:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    named = []
    for block in _BLOCK.finditer(page.read_text()):
        target = copy / block["name"]
        if block["kind"] == "python":
            assert not target.exists(), f"{block['name']} is there already"
            target.write_text(block["body"])
        else:
            target.write_text(_changed(target.read_text(), block["body"]))
        named.append(block["name"])
    return named


def _changed(text: str, diff: str) -> str:
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(old) == 1, f"not there as the page has it:\n{old}"
        text = text.replace(old, new)
    return text
