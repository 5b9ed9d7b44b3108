"""The API keeps what its OpenAPI document says, whatever it is sent: nothing breaks it, and no answer is one it does not document."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deploy.api_page import document
from deploy.local.stack import Stack
from tests.conftest import with_services
from tests.harness.files import product, text_file
from tests.harness.fleet import STAGES
from tests.harness.world import World

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
SCHEMA = schemathesis.openapi.from_dict(document())
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Asked:
    """Whoever asks: tokens of every role, and an import that has ended."""

    def __init__(self, stack: Stack, tenant: str, import_id: str) -> None:
        self.base_url = stack.gateway_url
        self.import_id = import_id
        self._tokens = {role: stack.token_for(tenant, role) for role in ("importer", "admin")}
        self._tokens["operator"] = stack.token_for(None, "operator")

    def headers(self, path: str) -> dict[str, str]:
        role = (
            "operator"
            if "/operations" in path
            else "admin"
            if re.search("api-keys|webhooks|deliveries|custom-fields|members|settings", path)
            else "importer"
        )
        return {"Authorization": f"Bearer {self._tokens[role]}"}


@pytest.fixture(scope="module")
def asked(stack: Stack, running_world: World, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    with_services(running_world, *STAGES, "keeper", "gateway")
    tenant = "contract"

    async def imported() -> str:
        await running_world.register(tenant)
        path = text_file(Path(tmp_path_factory.mktemp("files")) / "a.csv", [*product(1), *product(2, weight_g="heavy")])
        import_id = running_world.send(tenant, path)
        await running_world.ended(import_id)
        return str(import_id)

    return Asked(stack, tenant, asyncio.run(imported()))


@SCHEMA.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
def test_no_answer_is_undocumented_and_none_is_a_failure(case: Any, asked: Asked) -> None:
    if "import_id" in (case.path_parameters or {}) and hash(str(case.path_parameters["import_id"])) % 2:
        case.path_parameters["import_id"] = asked.import_id
    response = case.call(base_url=asked.base_url, headers=asked.headers(case.path), timeout=30, allow_redirects=False)
    case.validate_response(response, checks=CHECKS)


def test_every_operation_has_a_name_an_answer_that_is_a_model_and_its_refusals() -> None:
    names: list[str] = []
    for path, operations in document()["paths"].items():
        for method, said in operations.items():
            names.append(said["operationId"])
            where = f"{method} {path}"
            assert re.fullmatch(r"[a-z][a-z_]+", said["operationId"]), where
            assert {"401", "429", "500", "503"} <= said["responses"].keys(), where
            for status, answer in said["responses"].items():
                kinds = set(answer.get("content", {}))
                if status >= "400":
                    assert kinds == {"application/problem+json"}, (where, status)
                elif "application/json" in kinds:
                    assert "$ref" in answer["content"]["application/json"]["schema"], where
    assert len(names) == len(set(names))
