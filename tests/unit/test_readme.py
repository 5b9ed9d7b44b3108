"""The README tells the truth: its commands exist, its example is an event."""

import json
import re
import shlex
from pathlib import Path

import typer.main

from deploy.documents import EXAMPLE_UPLOAD
from services.cli.app import app
from shared.events import FileUploaded

ROOT = Path(__file__).parents[2]
PAPERS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(pattern: str) -> set[str]:
    """What the papers tell people to type, from code blocks and inline code."""
    found: set[str] = set()
    for paper in PAPERS:
        for code in re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", paper.read_text(), re.DOTALL):
            for line in "".join(code).splitlines():
                typed = line.partition("#")[0].strip().removeprefix(".venv/bin/")
                if re.match(pattern, typed):
                    found.add(typed)
    return found


def test_every_make_target_the_papers_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for line in commands(r"make [a-z]")}
    assert {"demo", "test"} <= named
    assert named - targets == set()


def test_every_winnow_command_the_papers_name_exists_with_its_options() -> None:
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
    readme = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    said = json.loads(example)
    assert said == EXAMPLE_UPLOAD
    FileUploaded.model_validate(said)
    required = {name for name, field in FileUploaded.model_fields.items() if field.is_required()}
    assert set(said) == required, "the example is the least an upstream system has to know"


def test_every_paper_a_paper_links_to_is_there() -> None:
    papers = [*PAPERS, *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    missing = [
        (paper.name, target)
        for paper in papers
        for target in re.findall(r"\]\(([^)#:]+)\)", paper.read_text())
        if not (paper.parent / target).exists()
    ]
    assert missing == []
