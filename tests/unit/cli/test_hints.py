from pathlib import Path

import openpyxl
import pytest

from services.cli.hints import program_from
from services.cli.readiness import described
from services.cli.template import write_template
from shared.entities import ENTITY_TYPES

HERE = Path("/checkout")
INSTALLED = HERE / ".venv/bin/winnow"


@pytest.mark.parametrize(
    ("started_as", "on_path", "typed"),
    [
        ("/checkout/.venv/bin/winnow", None, ".venv/bin/winnow"),
        ("/checkout/.venv/bin/winnow", "/elsewhere/winnow", ".venv/bin/winnow"),
        ("/checkout/.venv/bin/winnow", "/checkout/.venv/bin/winnow", "winnow"),
        ("/checkout/services/cli/__main__.py", None, ".venv/bin/winnow"),
        ("/other/.venv/bin/winnow", None, "/other/.venv/bin/winnow"),
    ],
)
def test_a_hint_can_be_pasted(started_as: str, on_path: str | None, typed: str) -> None:
    assert program_from(started_as, INSTALLED, on_path, HERE) == typed


def test_a_stage_that_has_stopped_itself_is_named_with_why_and_the_way_out() -> None:
    said = described("exporter-0", "stopped: 20 events in a row went to dead-letter; nothing more is taken")
    assert said.startswith("exporter-0 has stopped itself: 20 events in a row went to dead-letter.")
    assert "dead-letters list" in said
    assert said.endswith(" up")
    assert described("parser-0", "starting") == "parser-0 is not ready: starting"


def test_the_template_is_the_declaration_in_its_own_layout(tmp_path: Path) -> None:
    products = ENTITY_TYPES["products"]
    path = tmp_path / "template.xlsx"
    write_template(path, products)
    sheet = openpyxl.load_workbook(path)[products.sheet]
    assert [cell.value for cell in sheet[1] if cell.value] == list(products.sections)
    assert tuple(cell.value for cell in sheet[2]) == products.headings
    assert tuple(cell.value for cell in sheet[3]) == products.example
    assert sheet.max_row == 3
