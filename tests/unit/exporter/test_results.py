from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exporter.results import file_stem, result_keys
from shared.storage import tenant_owns

ID = UUID(int=7)


@given(st.text(max_size=300))
def test_whatever_a_file_is_called_its_results_lie_in_the_tenants_own_part(name: str) -> None:
    keys = result_keys("acme", ID, name)
    for key in (keys.correction, keys.failed_rows, keys.unprocessed):
        assert tenant_owns("acme", key)
        assert key.startswith(f"acme/corrections/{ID}/")
        assert len(key.encode()) < 1024
        assert max(len(part.encode()) for part in key.split("/")) <= 255


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("autumn.xlsx", "autumn"),
        ("C:\\files\\autumn.xlsx", "autumn"),
        ("../../etc/passwd", "passwd"),
        ("Frühjahr 2026.csv", "Frühjahr 2026"),
        ("autumn-corrections.xlsx", "autumn"),
        ("autumn-unprocessed.csv", "autumn"),
        ("", "import"),
        ("...", "import"),
        ("漢" * 100 + ".csv", "漢" * 66),
    ],
)
def test_the_readable_part_of_a_name_stays(name: str, stem: str) -> None:
    assert file_stem(name) == stem
