"""Starting the command loads what its help needs, and nothing that talks to a server."""

import subprocess
import sys

HEAVY = (
    "faststream",
    "aiokafka",
    "sqlalchemy",
    "alembic",
    "asyncpg",
    "minio",
    "pydantic_settings",
    "psutil",
    "xlsxwriter",
    "deploy",
)
COMMANDS = [
    "import",
    "watch",
    "status",
    "start",
    "cancel",
    "undo",
    "dismiss",
    "cleanup",
    "erase-tenant",
    "rows",
    "unmatched",
    "preview",
    "imports",
    "catalogue",
    "errors",
    "corrections",
    "template",
    "demo",
    "up",
    "down",
    "connection",
    "setup",
    "migrate",
    "lag",
    "custom-fields/list",
    "custom-fields/add",
    "custom-fields/remove",
    "members/list",
    "members/add",
    "members/remove",
    "settings/show",
    "settings/set",
    "tenants/add",
    "tenants/list",
    "tenants/erase",
    "tenants/erased",
    "topics/apply",
    "buckets/apply",
    "dead-letters/list",
    "dead-letters/show",
    "dead-letters/redrive",
    "dead-letters/discard",
]


def test_version_and_help_load_no_client_of_anything() -> None:
    commands = [["--version"], ["--help"], *([*name.split("/"), "--help"] for name in COMMANDS)]
    # In one process: what one of them loads stays loaded, and is reported with it.
    code = (
        "import sys\nfrom services.cli.__main__ import run\n"
        f"for arguments in {commands!r}:\n"
        "    code = run(arguments)\n"
        f"    print('RAN', code, *arguments, '|', *(set({HEAVY!r}) & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = [line for line in ran.stdout.splitlines() if line.startswith("RAN")]
    assert said == [f"RAN 0 {' '.join(arguments)} |" for arguments in commands]


def test_every_command_is_among_those_whose_help_is_looked_at() -> None:
    import typer.main

    from services.cli.app import app

    def names(group: object, before: str = "") -> set[str]:
        found = set()
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            found |= names(command, f"{before}{name}/") if hasattr(command, "commands") else {f"{before}{name}"}
        return found

    assert names(typer.main.get_command(app)) == set(COMMANDS)
