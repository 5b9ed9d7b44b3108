"""Code that services run has a fingerprint."""

from pathlib import Path

import pytest

from deploy.local.release import release_of


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("services/parser/app.py", "services/cli/app.py", "shared/db/engine.py", "deploy/local/stack.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first\n")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks/development.txt").write_text("one==1\n")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["services/parser/app.py", "shared/db/engine.py", "deploy/local/stack.py", "locks/development.txt"]
)
def test_other_code_is_another_release(checkout: Path, name: str) -> None:
    before = release_of(checkout)
    (checkout / name).write_text("second\n")
    assert release_of(checkout) != before


@pytest.mark.parametrize("name", ["services/cli/app.py", "services/parser/__pycache__/app.pyc", "README.md"])
def test_what_no_service_runs_makes_none(checkout: Path, name: str) -> None:
    before = release_of(checkout)
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("second\n")
    assert release_of(checkout) == before
