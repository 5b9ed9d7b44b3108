"""Steps as statements of PL/pgSQL, each behind the other: what a step's parameters are is a variable there, `v_` and its name."""

import re

from services.committer.moves import Step

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)\b")
_DECLARED = ("tenant_id", "import_id", "chunk_no", "first", "last")

_NUMBERS = ("v_count", "v_second", "v_third", "v_fourth", "v_fifth")

VARIABLES = "".join(f"{number} bigint;\n    " for number in _NUMBERS) + "v_of_run bigint[] := '{}';"
"""What statements of steps need beside their parameters; in `v_of_run` is what they count, one number after the other."""


def statement(step: Step) -> str:
    """Takes the step, and adds what it counts to `v_of_run`."""
    said = _PARAMETER.sub(_variable, str(step.sql)).strip()
    if not step.returning:
        return f"{said};\nGET DIAGNOSTICS v_count = ROW_COUNT;\nv_of_run := v_of_run || v_count;"
    into = _NUMBERS[: len(step.returning)]
    assert len(into) == len(step.returning), step.name
    return f"{said} INTO {', '.join(into)};\nv_of_run := v_of_run || ARRAY[{', '.join(into)}];"


def _variable(found: re.Match[str]) -> str:
    assert found[1] in _DECLARED, found[1]
    return f"v_{found[1]}"
