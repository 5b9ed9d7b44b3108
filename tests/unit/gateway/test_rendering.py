import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.requests import Request

from services.gateway.pages import rendering, shell
from services.gateway.pages import static as static_pages
from services.gateway.pages.rendering import environment, page, parts, zone_of
from services.gateway.pages.static import FOLDER, asset, static_files
from services.gateway.pages.words import KINDS, STATES
from services.gateway.people import Person, Role
from shared.states import Standing

MARA = Person("nordlys", "mara", "Mara Lindqvist", None, frozenset({Role.ADMIN}), "session", csrf="t0ken")
PRIYA = Person(None, "priya", "Priya Nair", None, frozenset({Role.OPERATOR}), "session", csrf="t0ken")


def asked(cookie: str = "") -> Request:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    return Request(
        {"type": "http", "method": "GET", "path": "/import", "query_string": b"", "headers": headers, "state": {}}
    )


def shown(person: Person | None = MARA, cookie: str = "") -> str:
    return bytes(page(asked(cookie), person, "base.html").body).decode()


def test_the_shell_has_one_main_landmark_a_skip_link_and_where_things_are_said() -> None:
    html = shown()
    assert html.count("<main") == 1
    assert '<a class="skip" href="#main">' in html
    assert 'id="say"' in html
    assert "Mara Lindqvist · nordlys" in html
    assert "Times in UTC" in html


def test_operations_are_offered_to_operators_alone() -> None:
    assert "/operations" not in shown()
    html = shown(PRIYA)
    assert 'href="/operations"' in html
    assert 'href="/history"' not in html


def test_a_page_runs_under_the_content_security_policy() -> None:
    html = shown()
    assert "style=" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son[a-z]+=|hx-on|javascript:|js:", html)


def test_no_template_has_what_the_policy_forbids() -> None:
    for template in rendering.TEMPLATES.glob("**/*.html"):
        text = template.read_text(encoding="utf8")
        assert not re.search(r'\sstyle="|<style|\son[a-z]+="|hx-on|<script(?![^>]*\bsrc=)', text), template.name


def test_every_form_that_changes_something_repeats_the_token() -> None:
    for template in rendering.TEMPLATES.glob("**/*.html"):
        for form in re.findall(r'<form[^>]*method="post".*?</form>', template.read_text(encoding="utf8"), re.DOTALL):
            assert "csrf()" in form, template.name


def test_light_or_dark_is_what_the_cookie_says_and_nothing_else() -> None:
    assert '<html lang="en" data-theme="dark">' in shown(cookie="theme=dark")
    assert '<html lang="en">' in shown(cookie='theme="><script>')
    assert '<html lang="en">' in shown()


@pytest.mark.parametrize("name", [None, "", "Mars/Phobos", "../../etc/passwd", "/etc/localtime", "a" * 100])
def test_a_time_zone_nobody_knows_is_utc(name: str | None) -> None:
    assert zone_of(name) == (UTC, "UTC")


def test_times_are_in_the_zone_of_the_browser() -> None:
    assert "Times in America/New York" in shown(cookie="zone=America/New_York")


def test_a_page_is_kept_by_nobody() -> None:
    assert page(asked(), MARA, "base.html").headers["cache-control"] == "no-store"


def test_a_bar_is_as_wide_as_the_rows_and_no_part_of_it_vanishes() -> None:
    found = parts(100_000, {"ok": 99_999, "upd": 0, "bad": 1})
    assert [part.tone for part in found] == ["ok", "bad"]
    assert found[-1].width >= 5
    assert found[-1].x + found[-1].width == pytest.approx(1000)


def test_what_is_still_to_come_is_left_empty() -> None:
    (only,) = parts(100, {"ok": 62})
    assert only.width == pytest.approx(620)


def test_four_slim_parts_and_a_wide_one_fit() -> None:
    found = parts(1_000_000, {"ok": 999_997, "upd": 1, "skip": 1, "bad": 1})
    assert found[-1].x + found[-1].width == pytest.approx(1000)
    assert all(later.x >= part.x + part.width for part, later in pairwise(found))


@pytest.mark.parametrize("counts", [{}, {"ok": 0}])
def test_a_bar_of_nothing_is_empty(counts: dict[str, int]) -> None:
    assert parts(0, counts) == []


def test_every_status_has_words_and_an_icon_that_is_there() -> None:
    sprite = static_files().files[asset("icons.svg").removeprefix("/static/")].content.decode()
    for state in STATES.values():
        assert f'id="{state.icon}"' in sprite
    for kind in KINDS.values():
        assert f'id="{kind.icon}"' in sprite
    assert set(STATES) == set(Standing)


def test_every_icon_that_a_template_names_is_there() -> None:
    sprite = static_files().files[asset("icons.svg").removeprefix("/static/")].content.decode()
    for template in rendering.TEMPLATES.glob("**/*.html"):
        for name in re.findall(r"\bi\('([a-z-]+)'", template.read_text(encoding="utf8")):
            assert f'id="{name}"' in sprite, f"{template.name}: {name}"


def test_no_page_says_what_nobody_should_read() -> None:
    for template in rendering.TEMPLATES.glob("**/*.html"):
        text = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", template.read_text(encoding="utf8"), flags=re.DOTALL)
        assert not re.search(r"\b(oops|invalid|success\w*|please|sorry)\b|\w\(s\)", text, re.IGNORECASE), template.name


def test_every_address_in_the_style_sheet_is_of_a_file_that_is_there() -> None:
    for name in re.findall(r'url\("([^"]+)"\)', (FOLDER / "app.css").read_text(encoding="utf8")):
        assert (FOLDER / name).is_file(), name


def test_our_own_scripts_are_few() -> None:
    lines = {
        path.name: len(path.read_text(encoding="utf8").splitlines())
        for path in FOLDER.glob("*.js")
        if "-" not in path.name
    }
    assert set(lines) == {"dialogs.js", "history.js", "keys.js", "live.js", "upload.js"}
    assert sum(lines.values()) - lines["history.js"] < 300


@pytest.fixture
async def site() -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    app.include_router(static_pages.router)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://winnow") as client:
        yield client


async def test_a_static_file_is_kept_for_ever_under_a_name_that_changes_with_it(site: AsyncClient) -> None:
    answer = await site.get(asset("app.css"), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == (FOLDER / "app.css").read_bytes()


@pytest.mark.parametrize("name", ["app.css", "..%2fapp.css", "nothing-0123456789.js", "%2e%2e/settings.py"])
async def test_nothing_else_is_served(site: AsyncClient, name: str) -> None:
    assert (await site.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/imports/1?show=made", "/imports/1?show=made"),
        ("//evil.example/", "/import"),
        ("///evil.example/", "/import"),
        ("/\\/evil.example/", "/import"),
        ("/\\evil.example", "/import"),
        ("https://evil.example", "/import"),
        ("/\t/evil.example", "/import"),
        ("", "/import"),
    ],
)
def test_a_form_leads_back_to_a_page_of_this_site_only(address: str, kept: str) -> None:
    assert shell.local(address) == kept


def test_a_moment_is_told_from_now_with_the_exact_one_beside_it() -> None:
    when = environment().from_string("{% import '_parts.html' as m with context %}{{ m.when(moment) }}")
    viewing = rendering.viewing_of(asked("zone=Europe/Copenhagen"))
    html = when.render(viewing=viewing, now=viewing.now, person=None, moment=viewing.now - timedelta(minutes=24))
    assert ">24 min ago</time>" in html
    assert f"{(viewing.now - timedelta(minutes=24)).astimezone(viewing.zone):%H:%M:%S}" in html


def _luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT = [
    "ink/surface",
    "ink/bg",
    "ink/surface-3",
    "ink-2/surface",
    "ink-2/bg",
    "ink-2/surface-3",
    "ink-3/surface",
    "ink-3/bg",
    "ink-3/surface-2",
    "ok-ink/ok-bg",
    "ok-ink/surface",
    "ok-ink/bg",
    "upd-ink/upd-bg",
    "upd-ink/surface",
    "skip-ink/skip-bg",
    "bad-ink/bad-bg",
    "bad-ink/surface",
    "bad-ink/bg",
    "bad-ink/surface-2",
    "warn-ink/warn-bg",
    "warn-ink/surface",
    "warn-ink/bg",
    "cell-ink/cell-bg",
    "action-ink/action",
    "action-ink/action-hover",
    "danger-ink/danger",
    "link/surface",
    "link/bg",
    "mark-ink/mark",
]
PARTS = [
    "control/surface",
    "control/bg",
    "focus/surface",
    "focus/bg",
    "ok/surface",
    "upd/surface",
    "skip/surface",
    "bad/surface",
    "warn/surface",
    "run/surface",
    "ok/track",
    "bad/track",
]


@pytest.mark.parametrize(("least", "pairs"), [(4.5, TEXT), (3.0, PARTS)])
def test_colours_can_be_told_apart_in_light_and_in_dark(least: float, pairs: list[str]) -> None:
    css = Path(FOLDER / "app.css").read_text(encoding="utf8")
    tokens = {
        name: (light, dark)
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", css)
    }
    for pair in pairs:
        one, other = (tokens[name] for name in pair.split("/"))
        for theme in (0, 1):
            assert _contrast(one[theme], other[theme]) >= least, f"{pair} in {('light', 'dark')[theme]}"


def test_now_is_read_once_a_page() -> None:
    before = datetime.now(UTC)
    assert before <= rendering.viewing_of(asked()).now <= datetime.now(UTC)
