"""Import contracts bite: for each of them a forbidden import is planted in a copy of the tree, and reported."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "deploy")
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]


class Planted(NamedTuple):
    """An import the contract forbids, and the file it is appended to. A contract may have several."""

    contract: str
    file: str
    line: str


PLANTED = [
    Planted("Services never import each other", "services/parser/handler.py", "import services.validator.handler"),
    Planted("Services never import each other", "services/cli/commands/imports.py", "import services.keeper.handler"),
    Planted("Services never import each other", "services/keeper/handler.py", "import services.cli.exits"),
    Planted("The rules of every family are pure", "services/validator/products/rules.py", "import asyncpg"),
    Planted("The rules of every family are pure", "services/validator/flat/rules.py", "import shared.db.bulk"),
    Planted("The rules of every family are pure", "services/parser/mapping/chunks.py", "import shared.db.bulk"),
    Planted(
        "Of all services, only services.cli.local knows the local stack",
        "services/cli/commands/imports.py",
        "import deploy.local.stack",
    ),
    Planted("What is shared knows no service and no deployment", "shared/states.py", "import services.parser.refusals"),
    Planted("What is shared knows no service and no deployment", "shared/db/engine.py", "import deploy.local.stack"),
    Planted("The layers of shared, top to bottom", "shared/messaging/outbox.py", "import shared.ledger.hold"),
    Planted("The layers of shared, top to bottom", "shared/ledger/hold.py", "import shared.runtime.stage"),
    Planted("The layers of shared, top to bottom", "shared/storage/object_store.py", "import shared.messaging.outbox"),
    Planted("Events, entities and values are pure", "shared/entities/products.py", "import sqlalchemy"),
    Planted("Events, entities and values are pure", "shared/events/model.py", "from aiokafka import errors"),
    Planted("Events, entities and values are pure", "shared/values/reading.py", "import shared.db.bulk"),
    Planted("The layers of shared, top to bottom", "shared/values/how.py", "import shared.corrections.made"),
    Planted("Settings are read without Kafka and without a database", "shared/messaging/limits.py", "import asyncpg"),
    Planted("Settings are read without Kafka and without a database", "shared/connections.py", "import minio"),
]


def test_every_contract_has_a_forbidden_import_planted() -> None:
    assert {planted.contract for planted in PLANTED} == set(CONTRACTS)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the contracts are about."""
    copy = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.fixture(params=PLANTED, ids=lambda planted: f"{planted.file}: {planted.line}")
def planted(request: pytest.FixtureRequest, tree: Path) -> Iterator[Planted]:
    found: Planted = request.param
    file = tree / found.file
    before = file.read_text()
    file.write_text(f"{before}\n{found.line}\n")
    yield found
    file.write_text(before)


def test_a_forbidden_import_is_reported(tree: Path, planted: Planted) -> None:
    report = linted(tree)
    (broken,) = re.findall(rf"^{re.escape(planted.contract)} (KEPT|BROKEN)", report, re.MULTILINE)
    assert broken == "BROKEN", report
    importer = planted.file.removesuffix(".py").replace("/", ".")
    imported = planted.line.split()[1]
    assert re.search(rf"{re.escape(importer)} ->\s*{re.escape(imported)}", report), report


def linted(tree: Path) -> str:
    """What lint-imports says about a tree."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program], cwd=tree, capture_output=True, text=True, check=False).stdout
