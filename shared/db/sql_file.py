"""SQL files that migrations run."""

from collections.abc import Iterator
from pathlib import Path


def statements(path: Path) -> Iterator[str]:
    """The statements of a file, as `op.execute` takes them; a block in dollar quotes is one."""
    waiting: list[str] = []
    quoted = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("--") and not quoted:
            continue
        waiting.append(line)
        quoted ^= line.count("$$") % 2 == 1
        if line.endswith(";") and not quoted:
            # A colon would be taken for a bound parameter.
            yield "\n".join(waiting).strip().rstrip(";").replace(":", "\\:")
            waiting = []
