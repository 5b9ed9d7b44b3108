"""What the pages take from npm packages, copied to `services/gateway/static` under names that hold their hash.

`make assets` installs what package-lock.json has and writes; the result is committed, so that nothing else needs Node.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "services" / "gateway" / "static"
MODULES = ROOT / "node_modules"

COPIED: Mapping[str, str] = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "htmx-sse.js": "htmx.org/dist/ext/hx-sse.min.js",
    "tus.js": "tus-js-client/dist/tus.min.js",
    "plex-sans-latin.woff2": "@fontsource-variable/ibm-plex-sans/files/ibm-plex-sans-latin-wght-normal.woff2",
    "plex-sans-latin-ext.woff2": "@fontsource-variable/ibm-plex-sans/files/ibm-plex-sans-latin-ext-wght-normal.woff2",
    "plex-mono-400.woff2": "@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2",
    "plex-mono-500.woff2": "@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-500-normal.woff2",
}
"""Name here → file in node_modules."""

LICENSED = (
    "htmx.org",
    "tus-js-client",
    "@fontsource-variable/ibm-plex-sans",
    "@fontsource/ibm-plex-mono",
    "@phosphor-icons/core",
    # tus.min.js holds these.
    "js-base64",
    "url-parse",
    "querystringify",
    "requires-port",
)

OUTLINES = [
    "archive",
    "arrow-counter-clockwise",
    "arrow-right",
    "arrows-clockwise",
    "buildings",
    "caret-down",
    "caret-left",
    "caret-right",
    "caret-up",
    "check",
    "check-square",
    "circle",
    "circle-notch",
    "clock",
    "dots-three",
    "download-simple",
    "eye",
    "file-text",
    "hand-palm",
    "handshake",
    "info",
    "keyboard",
    "link-simple",
    "lock-key",
    "magnifying-glass",
    "minus",
    "moon",
    "note",
    "package",
    "pause",
    "play",
    "prohibit",
    "pulse",
    "sign-out",
    "sun",
    "table",
    "tray",
    "upload-simple",
    "user",
    "users",
    "wifi-slash",
    "x",
]
FILLED = ["check-circle", "minus-circle", "pencil-simple", "plus-circle", "warning", "x-circle"]
"""Icons of states and of the ledger are filled, all others outlines."""

_VENDORED = re.compile(r"-[0-9a-f]{10}\.(js|svg|woff2)$")
_MAP_COMMENT = re.compile(rb"\n?//# sourceMappingURL=\S+\s*$")


def vendored(modules: Path) -> dict[str, bytes]:
    """Every file that is to lie in `static`, by its name there."""
    files = {name: _MAP_COMMENT.sub(b"\n", (modules / source).read_bytes()) for name, source in COPIED.items()}
    files["icons.svg"] = _sprite(modules / "@phosphor-icons" / "core" / "assets").encode()
    hashed = {_hashed(name, content): content for name, content in files.items()}
    return {**hashed, "LICENSES.txt": "\n".join(_licences(modules)).encode()}


def write(modules: Path = MODULES, static: Path = STATIC) -> list[str]:
    """Write them, and remove those of an earlier version; the names that were written."""
    files = vendored(modules)
    for old in static.iterdir():
        if _VENDORED.search(old.name) and old.name not in files:
            old.unlink()
    for name, content in files.items():
        (static / name).write_bytes(content)
    return sorted(files)


def _hashed(name: str, content: bytes) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{ending}"


def _sprite(icons: Path) -> str:
    symbols = (
        f'<symbol id="{name}" viewBox="0 0 256 256">{_drawing(icons, name, style)}</symbol>'
        for names, style in ((OUTLINES, "regular"), (FILLED, "fill"))
        for name in names
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


def _drawing(icons: Path, name: str, style: str) -> str:
    suffix = "" if style == "regular" else f"-{style}"
    svg = (icons / style / f"{name}{suffix}.svg").read_text(encoding="utf8")
    found = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    assert found is not None, name
    return found[1]


def _licences(modules: Path) -> Iterator[str]:
    yield "What the pages use of others. Copied from npm packages by `make assets`.\n"
    for package in LICENSED:
        about = json.loads((modules / package / "package.json").read_text(encoding="utf8"))
        yield f"{'=' * 78}\n{about['name']} {about['version']} ({about['license']})\n{'=' * 78}"
        (licence,) = (modules / package).glob("LICENSE*")
        yield licence.read_text(encoding="utf8").strip() + "\n"


if __name__ == "__main__":
    print("\n".join(write()))  # noqa: T201 - a command prints
