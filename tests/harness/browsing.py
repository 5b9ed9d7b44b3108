"""A person in front of a browser: what they open, press and read, and what may never be seen there.

Whatever the console says fails the test that made it say so: a script that broke, a file that is not there, something that
the content security policy kept from loading.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Response, async_playwright, expect

from tests.harness.chromium import MISSING, executable
from tests.harness.pictures import compact
from tests.harness.world import eventually

PATIENCE = 20_000
"""Milliseconds that a page has for what is expected of it: machines that run tests are busy."""

AXE = Path(__file__).parents[1] / "browser" / "axe.min.js"
WIDTHS = (320, 360, 480, 600, 640, 768, 960, 1120, 1200, 1440, 1920)
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_AXE = """
async (rules) => {
  const found = await axe.run(document, { runOnly: rules, preload: false, resultTypes: ["violations"] });
  return found.violations.map((each) => ({ id: each.id, help: each.help, nodes: each.nodes.map((node) => node.html) }));
}
"""
# A scroll area of its own may be wider than the page; the page may not be wider than the window.
_SIDEWAYS = """
() => {
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((each) => {
    if (each.getBoundingClientRect().right <= page.clientWidth + 1) return false;
    for (let up = each.parentElement; up; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") return false;
    return true;
  });
  return [`${page.scrollWidth} > ${page.clientWidth}`, ...wide.slice(0, 5).map((each) => each.outerHTML.slice(0, 160))];
}
"""


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    touch: bool = False
    scripts: bool = True


LIGHT = Look("light", 1440, 900, "light")
DARK = Look("dark", 1440, 900, "dark")
PHONE = Look("phone", 390, 844, "light", touch=True)
PLAIN = Look("plain", 1440, 900, "light", scripts=False)
LOOKS = (LIGHT, DARK, PHONE)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One browser, for as many people as there are."""
    program = executable()
    assert program is not None, MISSING
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            # A container's root has no other user to sandbox for, and its /dev/shm is small.
            args=[
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--force-color-profile=srgb",
                "--font-render-hinting=none",
            ],
        )
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visitor:
    """A person with a browser window, signed in or not."""

    address: str
    context: BrowserContext
    page: Page
    look: Look
    console: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()

    async def open(self, path: str, *, status: int = 200) -> Response:
        """Go to a page of ours."""
        if status >= 400:  # the browser says so in its console, and that is all right
            self.allow(f"status of {status}")
        answered = await self.page.goto(f"{self.address}{path}", wait_until="load")
        assert answered is not None
        assert answered.status == status, f"{path}: {answered.status} {(await answered.text())[:2000]}"
        return answered

    def allow(self, message: str) -> None:
        """Let the console say what the test is about."""
        self.allowed = (*self.allowed, message)

    @property
    def said(self) -> list[str]:
        """What the console said that it should not have."""
        return [line for line in self.console if not any(allowed in line for allowed in self.allowed)]

    async def press(self, *keys: str) -> None:
        """Press keys one after the other. Chromium drops what is pressed before a page is seen, so that is waited for."""
        await self.page.wait_for_load_state()
        await eventually("the page is seen", self._is_seen, seconds=PATIENCE / 1000, every=0.02)
        for key in keys:
            await self.page.keyboard.press(key)

    async def _is_seen(self) -> bool:
        return bool(await self.page.evaluate("performance.getEntriesByName('first-contentful-paint').length"))

    async def violations(self) -> list[dict[str, Any]]:
        """What axe finds wrong with the page as it is now."""
        if not await self.page.evaluate("typeof axe === 'object'"):
            await self.page.evaluate(AXE.read_text(encoding="utf8"))
        found: list[dict[str, Any]] = await self.page.evaluate(_AXE, list(_RULES))
        return found

    async def assert_accessible(self) -> None:
        """Axe finds nothing."""
        found = await self.violations()
        assert found == [], f"{self.page.url} ({self.look.name}): {json.dumps(found, indent=1)[:4000]}"

    async def assert_fits(self, widths: Sequence[int] = WIDTHS) -> None:
        """At no width the page scrolls sideways."""
        for width in widths:
            await self.page.set_viewport_size({"width": width, "height": self.look.height})
            found = await self.page.evaluate(_SIDEWAYS)
            assert found == [], f"{self.page.url} at {width}: {found}"
        await self.page.set_viewport_size({"width": self.look.width, "height": self.look.height})

    async def picture(self, name: str) -> None:
        """Take a picture for the documentation, when it is asked for (WINNOW_SCREENSHOTS names a folder); else nothing."""
        folder = os.environ.get("WINNOW_SCREENSHOTS")
        if folder is None or self.look.name not in {"light", "dark", "phone"}:
            return
        path = Path(folder) / f"{name}-{self.look.name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = await self.page.screenshot(animations="disabled", caret="hide", scale="css")
        path.write_bytes(compact(taken))

    async def text(self, selector: str = "main") -> str:
        """What is to be read in a part of the page."""
        return await self.page.inner_text(selector)


@asynccontextmanager
async def visitor(
    browser: Browser, address: str, look: Look = LIGHT, *, cookies: Sequence[Mapping[str, Any]] = ()
) -> AsyncIterator[Visitor]:
    """A window of its own, with what it may have been signed in by; what its console said is looked at in the end."""
    context = await browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.scheme,
        has_touch=look.touch,
        is_mobile=look.touch,
        java_script_enabled=look.scripts,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Copenhagen",
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    if cookies:
        await context.add_cookies([dict(cookie) for cookie in cookies])  # type: ignore[misc] # as Chromium gave them
    page = await context.new_page()
    visiting = Visitor(address, context, page, look)
    context.on("console", lambda message: visiting.console.append(_line(message)))
    context.on("weberror", lambda error: visiting.console.append(f"error: {error.error}"))
    try:
        yield visiting
    finally:
        await context.close()
    assert visiting.said == [], f"the console said: {visiting.said}"


def _line(message: ConsoleMessage) -> str:
    return f"{message.type}: {message.text} ({message.location.get('url', '')})"
