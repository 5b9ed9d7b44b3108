"""A webhook from its making to what a receiver verifies, as an administrator and their system live it."""

from pathlib import Path

from deploy.local.stack import Stack
from tests.harness.files import product, workbook
from tests.harness.gateway import gateway_client
from tests.harness.receivers import Received, receiving
from tests.harness.verifying import verify
from tests.harness.world import World, eventually


async def test_an_administrator_makes_a_webhook_and_their_system_is_told_of_an_import(
    idle_world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    await idle_world.register(tenant)
    idle_world.fleet.start(dict.fromkeys(("parser", "validator", "committer", "exporter", "gateway", "notifier"), 1))
    with receiving() as receiver:
        async with gateway_client(stack) as gateway:
            admin = gateway.as_(tenant, "admin")
            answer = await admin.post("/v1/webhooks", json={"url": receiver.url(), "description": "ERP"})
            assert answer.status_code == 201, answer.text
            made = answer.json()

            async def arrived(number: int) -> Received | None:
                return receiver.received[number - 1] if len(receiver.received) >= number else None

            assert (await admin.post(f"/v1/webhooks/{made['id']}/ping")).status_code == 202
            ping = await eventually("the ping arrives", lambda: arrived(1))
            assert verify(made["secret"], ping.headers, ping.body)["type"] == "ping"

            rows = [*product(1), *product(2, weight_g="heavy")]
            ended = await idle_world.ended(idle_world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows)))
            request = await eventually("the end arrives", lambda: arrived(2))
            said = verify(made["secret"], request.headers, request.body)
            assert (said["data"]["import_id"], said["data"]["failed_rows"]) == (str(ended.id), 1)
            assert said["data"]["links"]["page"] == f"{stack.gateway_url}/imports/{ended.id}"

            async def listed() -> list[str] | None:
                page = (await admin.get(f"/v1/webhooks/{made['id']}/deliveries")).json()
                states = [one["state"] for one in page["items"]]
                return states if states == ["delivered", "delivered"] else None

            await eventually("both are listed as delivered", listed)
            viewer = gateway.as_(tenant, "viewer")
            assert (await viewer.get("/v1/webhooks")).status_code == 403
            assert (await gateway.get("/v1/webhooks")).status_code == 401
    for member in idle_world.fleet.of("notifier"):
        assert member.stop() == 0
