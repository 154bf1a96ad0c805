"""Tools in a real browser: the option, the steps, and what is kept of them."""

from playwright.sync_api import expect

from llama_ui.tools.agent import REMINDER
from tests.browser.test_chat import LAST_REPLY, READY, chat, open_options


def test_a_calculation_shows_its_step_and_the_next_one_goes_on_from_it(app, open_page):
    page = open_page(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    open_options(page)
    page.locator("#option-tools input").check()
    expect(page.locator("#option-reminder textarea")).to_have_value(REMINDER)
    expect(page.locator("#option-keep_last input, #option-keep_last textarea").first).to_have_value(
        "5"
    )
    assert "18.379" in chat(page, "what is 4 to the power of 2.1?")
    step = page.locator(f"{LAST_REPLY} details.step")
    expect(step.locator("dl")).to_be_hidden()
    step.locator("summary").click()
    expect(step.locator("dl")).to_contain_text("4**2.1")
    expect(step.locator("dl")).to_contain_text("ms")
    assert "55.137" in chat(page, "can you multiply that by 3?")
    page.reload()
    expect(page.locator("details.step")).to_have_count(2, timeout=30_000)
    expect(page.locator("#option-tools input")).to_be_checked()
    open_options(page)
    page.locator("#option-tools input").uncheck()
    expect(page.locator("#option-reminder textarea")).to_have_value("")
