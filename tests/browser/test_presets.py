"""The menu of system prompts."""

import pytest
from playwright.sync_api import Page, expect

from llama_ui.web.page.presets import SYSTEM_PROMPTS
from tests.browser.test_chat import READY, chat

PROMPT = "#option-system textarea"


@pytest.fixture
def page(app, open_page) -> Page:
    page = open_page(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    page.get_by_text("Advanced options").click()
    expect(page.locator("#preset")).to_be_visible()
    return page


def in_use(page: Page):
    return page.locator("#preset option:checked")


def test_a_preset_fills_the_system_prompt_and_reaches_the_model(page):
    expect(in_use(page)).to_have_text("None")
    page.select_option("#preset", label="Pirate")
    expect(page.locator(PROMPT)).to_have_value(SYSTEM_PROMPTS["Pirate"])
    chat(page, "Hello!")
    kept = page.evaluate(
        "Object.entries(localStorage).find(([k]) => k.startsWith('llama-ui:chat:'))[1]"
    )
    assert SYSTEM_PROMPTS["Pirate"] in kept
    page.click("#reset")
    expect(in_use(page)).to_have_text("None")


def test_the_menu_says_which_preset_is_in_use(page):
    page.fill(PROMPT, SYSTEM_PROMPTS["Terse"])
    expect(in_use(page)).to_have_text("Terse")
    page.fill(PROMPT, "Answer in Latin.")
    expect(in_use(page)).to_have_text("Custom")
    # Also when the server writes the prompt: a new chat has none.
    page.keyboard.press("Control+Shift+o")
    expect(page.locator(PROMPT)).to_have_value("")
    expect(in_use(page)).to_have_text("None")


def test_an_own_preset_is_kept_and_deleted(page):
    hostile = "<img src=x onerror=alert(1)>"
    page.fill(PROMPT, "Answer in Latin.")
    page.get_by_role("button", name="Save as…").click()
    page.keyboard.type(hostile)
    page.keyboard.press("Enter")
    expect(in_use(page)).to_have_text(hostile)
    page.reload()
    page.wait_for_selector(READY, timeout=60_000)
    page.get_by_text("Advanced options").click()
    page.select_option("#preset", label=hostile)
    expect(page.locator(PROMPT)).to_have_value("Answer in Latin.")
    groups = page.locator("#preset optgroup").evaluate_all("all => all.map(g => g.label)")
    assert groups == ["Ready-made", "Yours"]
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(in_use(page)).to_have_text("Custom")
    expect(page.locator("#preset optgroup")).to_have_count(1)
    expect(page.locator(PROMPT)).to_have_value("Answer in Latin.")


def test_saving_can_be_cancelled(page):
    page.fill(PROMPT, "Answer in Latin.")
    page.get_by_role("button", name="Save as…").click()
    page.keyboard.type("Latin")
    page.keyboard.press("Escape")
    expect(in_use(page)).to_have_text("Custom")
    expect(page.locator("#preset")).to_be_focused()
