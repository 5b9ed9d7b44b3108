"""Rules of the house that no linter knows."""

import re
import subprocess
from pathlib import Path

from shared.db.catalog import ENTITIES
from shared.db.staging import MIRRORS

ROOT = Path(__file__).parents[2]
NOT_NOUNS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def sources() -> list[Path]:
    return [path for top in ("services", "shared", "deploy") for path in (ROOT / top).rglob("*.py")]


def test_no_module_is_named_for_nothing() -> None:
    assert [path for path in sources() if path.stem in NOT_NOUNS] == []


def test_a_module_can_be_read_in_one_sitting() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    migrations = "shared/db/migrations/"
    assert {name: lines for name, lines in long.items() if lines > 400 and not name.startswith(migrations)} == {}


def test_handlers_know_nothing_of_delivery() -> None:
    words = re.compile(r"\b(ack|nack|offset|dead.?letter|retry|faststream|aiokafka)\b", re.IGNORECASE)
    found = {
        str(path.relative_to(ROOT)): words.findall(path.read_text())
        for path in (ROOT / "services").glob("*/handler.py")
        if words.search(path.read_text())
    }
    assert found == {}


def test_nothing_that_waits_swallows_its_cancellation() -> None:
    """`asyncio.wait_for` may, before Python 3.12: it returns when what it waits for ends in the same turn."""
    assert [str(path) for path in sources() if "asyncio.wait_for(" in path.read_text()] == []


KNOW_KAFKA = (("shared", "messaging"), ("shared", "runtime"), ("deploy", "documents.py"))


def test_only_wiring_and_messaging_know_kafka() -> None:
    imports = re.compile(r"^\s*(?:from|import) (?:faststream|aiokafka)", re.MULTILINE)
    knowing = {path.relative_to(ROOT) for path in sources() if imports.search(path.read_text())}
    strangers = {str(path) for path in knowing if path.parts[:2] not in KNOW_KAFKA and path.name != "app.py"}
    assert strangers == set()


def test_nothing_committed_names_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file():
            text = path.read_text(errors="ignore")
            assert re.search(r"/(?:home|Users)/[a-z]+/", text) is None, name


def test_handlers_and_repositories_of_stages_know_no_family() -> None:
    families = {table.name for table in (*MIRRORS, *MIRRORS.values(), *ENTITIES)} | {"catalog"}
    words = re.compile(rf"\b({'|'.join(families)})\b")
    found = {
        str(path.relative_to(ROOT)): words.findall(path.read_text())
        for service in ("validator", "committer")
        for path in (ROOT / "services" / service).glob("*.py")
        if path.name != "families.py" and words.search(path.read_text())
    }
    assert found == {}


def test_the_names_of_states_stand_in_one_module() -> None:
    """A status in quotes elsewhere is a second place to change; counts and words for people are no statuses."""
    named = re.compile(
        r"""(?:status|state)\b[^\n]{0,30}?(?:==|!=|\bIN\b|\bin\b|=)\s*[({\[]?\s*["']"""
        r"""(?:uploading|previewing|importing|completed|completed_with_failures|failed|cancelled|dismissed"""
        r"""|staged|validated|committed|quarantined)["']"""
    )
    found = {
        str(path.relative_to(ROOT)): named.findall(path.read_text())
        for path in sources()
        if "migrations" not in path.parts and path.name != "states.py" and named.search(path.read_text())
    }
    assert found == {}
