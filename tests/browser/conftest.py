"""A real Chromium, the system's own; without one these tests skip and say how to get it."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium refuses its sandbox to root, which is who tests run as in containers.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MISSING = (
    "no Chromium found: install it (Debian and Ubuntu: apt-get install chromium), "
    "or name one in LLAMA_UI_CHROMIUM"
)


def chromium_path() -> str | None:
    """The browser to drive: the one named in the environment, or the system's."""
    named = os.environ.get("LLAMA_UI_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


# Not for the session: while Playwright is open, no other test can run an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator:
    """Opens the application in a fresh context; the test fails on any script error."""
    contexts, errors = [], []

    def open_page(url: str, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#message textarea")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def endless_page(endless_app, open_page) -> Page:
    """A page whose replies go on until they are stopped."""
    page = open_page(endless_app.url)
    page.wait_for_selector(".badge.ready", timeout=60_000)
    return page
