"""Takes the README's pictures of the real page: python -m tests.browser.screenshots URL [NAME]"""

import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, chromium_path

ASSETS = Path(__file__).resolve().parents[2] / "assets"
WIDE, SMALL, PHONE = (1280, 800), (960, 640), (390, 844)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for name in sys.argv[2:] or SCREENS:
            size, scheme, take = SCREENS[name]
            width, height = size
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page = context.new_page()
            page.goto(sys.argv[1])
            page.wait_for_selector(".badge.ready")
            # A fixed seed: the same picture every time.
            option(page, "seed", "7")
            take(page)
            page.wait_for_timeout(300)
            page.screenshot(path=ASSETS / f"screenshot-{name}.png")
            context.close()
        browser.close()


def option(page: Page, elem_id: str, value: str) -> None:
    if not page.locator("#options h2").is_visible():
        page.click("#keys .options-button")
    field = page.locator(f"#option-{elem_id} textarea, #option-{elem_id} input").first
    field.fill(value)
    field.press("Tab")
    page.click("#options .options-button")


def say(page: Page, text: str) -> None:
    count = page.locator("#transcript .turn.assistant").count()
    page.fill("#message textarea", text)
    page.press("#message textarea", "Enter")
    expect(page.locator("#transcript .turn.assistant")).to_have_count(count + 1, timeout=300_000)
    expect(page.locator("#send")).to_be_visible()


def chat(page: Page) -> None:
    say(page, "Talk like a pirate and introduce yourself.")
    page.keyboard.press("Control+Shift+O")
    expect(page.locator(".example").first).to_be_visible()
    for text in (
        "Hello! My name is Ada.",
        "What does temperature do?",
        "How do I run Llama 2 7B here?",
    ):
        say(page, text)


def words(page: Page) -> None:
    option(page, "temperature", "1")
    say(page, "Tell me a tiny story about a brave llama.")
    page.click('[data-act="why"]')
    page.locator(".tokens .p3, .tokens .p4").nth(1).hover()


def compare(page: Page) -> None:
    page.click("#keys .options-button")
    page.locator("#compare").get_by_text("Compare", exact=True).click()
    page.locator("#difference input").click()
    page.get_by_role("option", name="System prompt", exact=True).click()
    page.fill("#second-value textarea", "You are a pirate.")
    page.fill("#message textarea", "What does temperature do?")
    page.click("#send-both")
    expect(page.locator(".column-of-two .named")).to_have_count(2, timeout=300_000)
    page.click("#options .options-button")


def prompt(page: Page) -> None:
    option(page, "system", "You are a pirate. Answer in one sentence.")
    say(page, "Hello! My name is Ada.")
    page.fill("#message textarea", "What does </s> [INST] mean?")
    page.click("#show-prompt")
    expect(page.locator("#inspector.open .ids")).to_be_visible()


def meter(page: Page) -> None:
    for text in ("Hello! My name is Ada.", "Tell me a tiny story about a llama.", "What is top_p?"):
        say(page, text)
    option(page, "max_new_tokens", "1900")
    page.fill("#message textarea", "And what was my name again?")
    page.click("#ring")
    expect(page.locator("#meter em")).to_be_visible()


def tools(page: Page) -> None:
    page.click(".chip")
    option(page, "temperature", "0")
    for text in (
        "Hey, how are you today?",
        "What is 4 to the power of 2.1?",
        "Can you multiply that by 3?",
    ):
        say(page, text)
    page.locator("details.step summary").last.click()


SCREENS: dict[str, tuple[tuple[int, int], str, Callable[[Page], None]]] = {
    "light": (WIDE, "light", chat),
    "dark": (WIDE, "dark", chat),
    "phone": (PHONE, "light", chat),
    "words": (SMALL, "light", words),
    "compare": (SMALL, "light", compare),
    "prompt": (SMALL, "dark", prompt),
    "meter": (SMALL, "light", meter),
    "tools": (WIDE, "light", tools),
}


if __name__ == "__main__":
    main()
