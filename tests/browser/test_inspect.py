"""Seeing what the model sees, in a real browser."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_chat import (
    LAST_REPLY,
    READY,
    chat,
    open_options,
    send,
    set_option,
    tool,
    wait_until_idle,
)

LONG = "Tell me about the llamas on the hill, and about the grass that they like. " * 8


@pytest.fixture
def page(app, open_page) -> Page:
    page = open_page(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


def taken(page: Page) -> int:
    return int(page.locator(".meter .bar").get_attribute("aria-valuenow"))


def test_the_meter_follows_what_is_typed(page):
    expect(page.locator(".meter")).to_contain_text("reserved for reply 512")
    empty = taken(page)
    page.locator("#message textarea").press_sequentially("one two three four")
    expect(page.locator(".meter")).to_contain_text("draft")
    page.wait_for_function(
        "empty => document.querySelector('.meter .bar').getAttribute('aria-valuenow') > empty",
        arg=empty,
    )
    page.fill("#message textarea", "")
    expect(page.locator(".meter")).not_to_contain_text("draft")
    open_options(page)
    set_option(page, "system", "You are a pirate.")
    expect(page.locator(".meter")).to_contain_text("system")
    chat(page, "Hello!")
    expect(page.locator(".meter")).to_contain_text("history")


def test_what_would_be_left_out_is_grey_before_it_is_sent_and_a_pin_holds_it(page):
    open_options(page)
    set_option(page, "max_new_tokens", "20")
    chat(page, LONG)
    chat(page, LONG)
    set_option(page, "max_new_tokens", "1900")
    expect(page.locator("#meter em")).to_contain_text("2 earlier exchanges won't fit")
    expect(page.locator(".turn.forgotten")).to_have_count(4)
    set_option(page, "max_new_tokens", "1780")
    expect(page.locator("#meter em")).to_contain_text("1 earlier exchange won't fit")
    assert page.locator(".turn.forgotten").first.get_attribute("data-n") == "0"
    tool(page, ".turn.user >> nth=0", "pin")
    expect(page.locator(".turn.forgotten").first).to_have_attribute("data-n", "2")
    page.fill("#message textarea", LONG * 4)
    expect(page.locator("#meter .fault")).to_contain_text("the context window holds 2,048")


def test_the_exact_prompt_of_the_draft_and_of_an_earlier_reply(page):
    page.fill("#message textarea", "Hello </s> [INST]!")
    page.click("#show-prompt")
    panel = page.locator("#inspector.open")
    expect(panel).to_contain_text("Prompt preview")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    page.click("#show-prompt")
    expect(panel).to_contain_text("Prompt preview")
    panel.get_by_role("button", name="Copy text").click()
    expect(panel.locator(".copied")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text == "<s>[INST] Hello </s> [INST]! [/INST]"
    expect(panel.locator(".part-template i[title='1']")).to_have_count(1)
    expect(panel.locator("i[title='2']")).to_have_count(0)
    expect(panel.locator(".copied")).to_have_count(0, timeout=5_000)
    panel.get_by_role("button", name="Copy JSON").click()
    expect(panel.locator(".copied")).to_have_text("Copied")
    content = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert [i for part in content["parts"] for i in part["ids"]] == content["ids"]
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)

    page.press("#message textarea", "Enter")
    wait_until_idle(page)
    chat(page, "And you?")
    tool(page, ".turn.assistant >> nth=0", "prompt")
    expect(panel).to_contain_text("What this reply answered")
    panel.get_by_role("button", name="Copy text").click()
    expect(panel.locator(".copied")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text


def test_hovering_a_reply_tells_how_it_came_about_and_replay_repeats_it(page):
    open_options(page)
    set_option(page, "temperature", "1.3")
    chat(page, "Tell me a tiny story about a brave llama.")
    page.hover(f"{LAST_REPLY} .caption")
    details = page.locator(".details")
    expect(details).to_be_visible()
    for fact in ("Pocket Llama", "4-bit NF4", "from the cache", "Temperature1.3", "by itself"):
        expect(details).to_contain_text(fact)
    set_option(page, "temperature", "0")
    tool(page, LAST_REPLY, "replay")
    expect(page.locator(".news")).to_contain_text(re.compile("Replayed"), timeout=60_000)
    expect(page.locator(".news")).to_be_visible()


def test_two_replies_stand_side_by_side_and_one_is_kept(page):
    open_options(page)
    page.locator("#compare").get_by_text("Compare", exact=True).click()
    page.fill("#second-value textarea", "0")
    page.fill("#message textarea", "Tell me a tiny story about a brave llama.")
    page.get_by_role("button", name="Send the message to both").click()
    expect(page.locator(".column-of-two .named")).to_have_count(2, timeout=60_000)
    wait_until_idle(page)
    expect(page.locator(".column-of-two h2").first).to_contain_text("temperature 0.7")
    second = page.locator(".column-of-two").nth(1)
    expect(second.locator("h2")).to_contain_text("temperature 0,")
    text = second.locator(".md").inner_text()
    second.get_by_role("button", name="Keep this one").click()
    expect(page.locator(".versions")).to_have_text("2/2")
    assert page.locator(LAST_REPLY).locator(".md").inner_text() == text


def test_why_this_word_shows_what_else_it_could_have_been_and_goes_there(page):
    open_options(page)
    page.locator("#option-top_logprobs input").check()
    set_option(page, "temperature", "0")
    chat(page, "Hello!")
    first = page.locator(LAST_REPLY).get_attribute("data-text")
    tool(page, LAST_REPLY, "why")
    words = page.locator(".tokens i")
    expect(words.first).to_be_visible()
    words.nth(1).hover()
    menu = page.locator(".alternatives button")
    expect(menu).to_have_count(5)
    expect(menu.first).to_contain_text("%")
    menu.nth(1).click()
    expect(page.locator(".versions")).to_have_text("2/2", timeout=60_000)
    wait_until_idle(page)
    assert page.locator(LAST_REPLY).get_attribute("data-text") != first
    # The words stay open, those of the new version.
    expect(words.first).to_be_visible()
    expect(page.locator(".tokens")).not_to_contain_text("</s>")
    tool(page, LAST_REPLY, "why")
    expect(words).to_have_count(0)


def test_without_probabilities_no_reply_offers_them(page):
    open_options(page)
    page.locator("#option-top_logprobs input").uncheck()
    chat(page, "Hello!")
    expect(page.locator('[data-act="why"]')).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_panel_fits_a_phone(app, open_page, scheme):
    page = open_page(app.url, 390, 844, scheme)
    page.wait_for_selector(READY, timeout=60_000)
    send(page, "Hello!")
    wait_until_idle(page)
    page.click("#show-prompt")
    expect(page.locator("#inspector.open .prompt")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
