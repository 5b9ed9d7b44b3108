"""The documentation tells the truth: its commands exist, its example is an event, its links lead somewhere."""

import json
import re
import shlex
import tomllib
from importlib.metadata import version as installed_version
from pathlib import Path

import typer.main

from deploy.documents import EXAMPLE_UPLOAD
from services.cli.app import app
from shared.events import FileUploaded
from shared.version import version

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "runbooks").glob("*.md")),
]


def commands(pattern: str) -> set[str]:
    """What the documentation tells people to type, from code blocks and inline code."""
    found: set[str] = set()
    for document in DOCUMENTS:
        for code in re.findall(r"```(?:sh)?\n(.*?)```|`([^`\n]+)`", document.read_text(encoding="utf-8"), re.DOTALL):
            for line in "".join(code).splitlines():
                typed = line.partition("#")[0].strip().removeprefix(".venv/bin/")
                if re.match(pattern, typed):
                    found.add(typed)
    return found


def test_every_make_target_the_documentation_names_is_in_the_menu() -> None:
    menu = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {word for line in commands(r"make [a-z]") for word in shlex.split(line)[1:] if re.fullmatch("[a-z]+", word)}
    assert {"demo", "test", "unit", "fix", "chaos", "lock"} <= named
    assert named - menu == set()


def test_every_winnow_command_the_documentation_names_exists_with_its_options() -> None:
    root = typer.main.get_command(app)
    named = commands(r"winnow [a-z]")
    assert named
    for typed in named:
        command, words = root, shlex.split(typed)[1:]
        while words and hasattr(command, "commands"):
            name = words.pop(0).rstrip(",")
            assert name in command.commands, typed
            command = command.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        for word in words:
            if word.startswith("-"):
                assert word in options, f"{typed}: {word}"


def test_the_example_event_is_one() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    said = json.loads(example)
    assert said == EXAMPLE_UPLOAD
    FileUploaded.model_validate(said)
    required = {name for name, field in FileUploaded.model_fields.items() if field.is_required()}
    assert set(said) == required, "the example is the least an upstream system has to know"


def test_every_page_a_page_links_to_is_there() -> None:
    pages = [*DOCUMENTS, *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    missing = [
        (page.name, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert missing == []


def test_operations_has_every_runbook_and_each_says_when_and_how_one_knows_it_worked() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for runbook in (ROOT / "docs" / "runbooks").glob("*.md"):
        assert f"(runbooks/{runbook.name})" in operations
        said = runbook.read_text(encoding="utf-8")
        if runbook.name != "retention.md":
            assert "**How you know it worked.**" in said, runbook.name
            assert "**When.**" in said or "**What you see.**" in said, runbook.name


def test_the_version_stands_in_one_place_and_heads_the_changelog() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert installed_version("winnow") == declared
    assert version().split()[0] == declared
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", changelog, re.MULTILINE)[0] == declared


def test_what_is_locked_has_hashes_and_names_no_host() -> None:
    locks = sorted((ROOT / "locks").glob("*.txt"))
    assert [lock.name for lock in locks] == ["development.txt", "java.txt", "services.txt"]
    for lock in locks:
        said = lock.read_text(encoding="utf-8")
        pinned = re.findall(r"^[a-z0-9-]+(?:\[[a-z,]+\])?==[^ ]+.*\\\n    --hash=sha256:", said, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^[a-z]", said, re.MULTILINE)) > 0, lock.name
        assert "://" not in said
        assert not re.search(r"^--", said, re.MULTILINE)


def test_the_migration_of_a_new_type_follows_the_newest_one() -> None:
    page = (ROOT / "docs" / "adding-an-entity-type.md").read_text(encoding="utf-8")
    newest = max(int(path.name[:4]) for path in (ROOT / "shared/db/migrations/versions").glob("[0-9]*.py"))
    assert re.findall(r'^(?:down_)?revision = "(\d+)"$', page, re.MULTILINE) == [f"{newest + 1:04}", f"{newest:04}"]
    assert f"versions/{newest + 1:04}_" in page
