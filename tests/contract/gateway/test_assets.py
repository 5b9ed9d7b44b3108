"""What is committed of others' is what their packages hold, where Node can say so."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy import assets

LOCK = json.loads((assets.ROOT / "package-lock.json").read_text(encoding="utf8"))


def test_the_lock_names_no_host_and_the_hash_of_every_package() -> None:
    for name, package in LOCK["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_every_version_is_exact() -> None:
    package = json.loads((assets.ROOT / "package.json").read_text(encoding="utf8"))
    for name, version in {**package["dependencies"], **package["devDependencies"]}.items():
        assert version[0].isdigit(), f"{name} {version}"
        assert LOCK["packages"][f"node_modules/{name}"]["version"] == version


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Node is not installed: what is committed is what it was when it was")
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(assets.ROOT / name, folder / name)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-progress"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and ("ENOTFOUND" in done.stderr or "ECONN" in done.stderr or "EAI_AGAIN" in done.stderr):
        pytest.skip("the package registry cannot be reached from here")
    assert done.returncode == 0, done.stderr
    return folder / "node_modules"


def test_make_assets_would_change_nothing(modules: Path) -> None:
    for name, content in assets.vendored(modules).items():
        assert (assets.STATIC / name).read_bytes() == content, name


def test_nothing_else_of_others_lies_there(modules: Path) -> None:
    vendored = set(assets.vendored(modules))
    ours = {"app.css", "dialogs.js", "history.js", "keys.js", "live.js", "mark.svg", "upload.js"}
    assert {path.name for path in assets.STATIC.iterdir()} <= vendored | ours
