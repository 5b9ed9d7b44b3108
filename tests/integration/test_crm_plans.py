"""Whatever the planner thinks of tables that imports fill, each record is found by its key, and no set is gone through again and again."""

import re
from typing import Any

import pytest

from tests.harness.plans import Plans, as_if_large, told_plans
from tests.harness.records_desk import RecordsDesk
from tests.harness.world import World
from tests.integration.conftest import EngineOf

ROLES = ("winnow_committer", "winnow_validator")
STAGED = ("crm_records", "crm_identifiers", "crm_links", "changes", "groups")
KEYS = {
    "records": r"\(?\br?\d*\.?id = |created_import_id",
    "identifiers": r"value = |record_id = ",
    "links": r"from_id = |to_id = ",
}
"""What the condition of an index has that finds few records of a million."""
SCANS = {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
SIZES = {
    "ten million records": {f"crm.{name}": 10_000_000 for name in KEYS},
    "ten million records, a million staged": {
        **{f"crm.{name}": 10_000_000 for name in KEYS},
        **{f"staging.{name}": 1_000_000 for name in STAGED},
    },
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
async def test_records_are_found_by_their_keys_however_many_there_are(
    engine_of: EngineOf, tenant: str, running_world: World, sizes: dict[str, int]
) -> None:
    running_world.fleet.stop()
    same = ["crm.records.tenant_id", "crm.identifiers.tenant_id", "crm.identifiers.kind", "crm.links.tenant_id"]
    records = RecordsDesk(engine_of, tenant)
    async with told_plans(running_world, ROLES) as plans:
        for role in ROLES:
            plans.watch(engine_of(role))
        await records.bring_in("people", _people(0, 60))
        plans.told.clear()
        async with as_if_large(running_world, sizes, same):
            changed = await records.bring_in("people", _people(30, 90, job_title="CTO", company="Elsewhere"))
            await records.undo(changed)
    assert len(plans.told) > 40
    assert not (found := sorted(set(_not_by_key(plans)))), "\n".join(found)
    assert not (found := sorted(set(_again_and_again(plans)))), "\n".join(found)


def _people(first: int, last: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"name": f"P{n}", "emails": f"p{n}@x.example, q{n}@x.example", "company": f"Company {n % 9}", **more}
        for n in range(first, last)
    ]


def _not_by_key(plans: Plans) -> list[str]:
    found = []
    for query, node in plans.nodes():
        name = _read(node)
        if (
            name not in KEYS
            or not node["Actual Loops"]
            or node["Node Type"] in {"ModifyTable", "Tid Scan", "Bitmap Heap Scan", "LockRows"}
        ):
            continue
        condition = node.get("Index Cond", "")
        if node["Node Type"] not in SCANS or re.search(KEYS[name], condition) is None:
            found.append(
                f"{node['Node Type']} of {name} by {condition or 'nothing'} ({node.get('Filter')}): {' '.join(query.split())[:900]}"
            )
    return found


def _read(node: dict[str, Any]) -> str:
    if node["Node Type"] == "Bitmap Index Scan":
        return next((name for name in KEYS if str(node["Index Name"]).startswith(f"{name}_")), "")
    return str(node["Relation Name"]) if node.get("Schema") == "crm" else ""


def _again_and_again(plans: Plans) -> list[str]:
    return [
        f"{node['Actual Loops']} times {node.get('CTE Name')}: {' '.join(query.split())[:900]}"
        for query, node in plans.nodes()
        if node["Node Type"] == "CTE Scan" and node.get("Actual Loops", 0) > 2
    ]
