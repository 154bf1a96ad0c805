"""Takes the README's pictures of the real page: python -m tests.browser.screenshots URL"""

import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, chromium_path

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SCREENS = {
    "light": ((1280, 800), "light"),
    "dark": ((1280, 800), "dark"),
    "phone": ((390, 844), "light"),
}
CHAT = ("Hello! My name is Ada.", "What does temperature do?", "How do I run Llama 2 7B here?")


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for name, ((width, height), scheme) in SCREENS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            take(context.new_page(), name)
        browser.close()


def take(page: Page, name: str) -> None:
    page.goto(sys.argv[1])
    page.wait_for_selector(".badge.ready")
    # A fixed seed: the same picture every time.
    page.click("#keys .options-button")
    page.locator("#seed textarea, #seed input").first.fill("7")
    page.click("#options .options-button")
    for number, text in enumerate(CHAT, start=1):
        page.fill("#message textarea", text)
        page.press("#message textarea", "Enter")
        expect(page.locator(".turn.assistant:not(.running)")).to_have_count(number, timeout=60_000)
        expect(page.locator("#send")).to_be_visible()
    page.wait_for_timeout(300)
    page.screenshot(path=ASSETS / f"screenshot-{name}.png")


if __name__ == "__main__":
    main()
