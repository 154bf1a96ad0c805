"""How the page looks and behaves at every size, light and dark: one running page for all."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from llama_ui.chat.conversation import Conversation, Facts
from llama_ui.chat.export import to_json
from llama_ui.chat.options import ChatOptions
from tests.browser.test_chat import (
    LAST_REPLY,
    READY,
    chat,
    more,
    open_options,
    set_option,
    tool,
    wait_until_idle,
)
from tests.browser.test_saved_chats import load

AXE = "axe-core@4.14.1"
SIZES = [(320, 640), (390, 844), (844, 390), (1024, 700), (1440, 900), (2560, 1300)]
LOOKS = Path(__file__).with_name("looks.js").read_text(encoding="utf-8")
LONG = "Temperature sets how freely the model picks its next word, run `python app.py` for it. " * 9


@pytest.fixture(scope="module")
def page(app, browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = context.new_page()
    page.goto(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    yield page
    context.close()
    assert not errors


@pytest.fixture(autouse=True)
def fresh(page) -> Iterator[None]:
    """Each test begins with a new chat, its options as they were."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.keyboard.press("Control+Shift+o")
    expect(page.locator(".example").first).to_be_visible()
    yield
    page.keyboard.press("Escape")
    if "options-open" in (page.locator("#frame").get_attribute("class") or ""):
        page.click("#options .options-button")


@pytest.fixture(scope="session")
def axe(tmp_path_factory) -> str:
    """The source of axe-core, from npm."""
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "install", "--silent", "--no-save", "--prefix", str(folder), AXE]
    if shutil.which("npm") is None or subprocess.run(command, timeout=120).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"npm could not install {AXE}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def looked(page: Page, what: str) -> Any:
    """What looks.js finds."""
    return page.evaluate(f"(() => {{ {LOOKS}; return {what}(); }})()")


def forgotten() -> str:
    """An exported chat whose first exchange is not sent any more."""
    talk = Conversation(options=ChatOptions(keep_last=1)).ask("Hello!")
    talk = talk.answer("Good day, and **welcome**.", Facts(reply_tokens=4)).ask("What is this?")
    return to_json(talk.answer(LONG, Facts(reply_tokens=90)))


def open_forgotten(page: Page) -> None:
    load(page, forgotten())
    page.locator("#sidebar .title").first.evaluate("node => node.click()")
    expect(page.locator(".turn.forgotten")).to_have_count(2)


def test_everything_fits_every_size(page):
    open_forgotten(page)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        # On a phone the list of chats lies over the page until it is folded.
        page.evaluate("document.body.classList.toggle('chats-folded', innerWidth <= 900)")
        page.wait_for_function(
            "document.querySelector('#below').classList.contains('narrow')"
            " === (document.querySelector('#footer').clientWidth < 830 || innerHeight < 480)"
        )
        assert looked(page, "misfits") == [], (width, height)
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("document.querySelector('#chat').clientHeight > 250")
    page.set_viewport_size({"width": 2560, "height": 1300})
    assert page.locator("#composer").bounding_box()["width"] >= 900
    # A short piece of code is not broken in two.
    code = page.locator(".md code")
    assert max(code.evaluate_all("all => all.map(node => node.getClientRects().length)")) == 1


def test_contrast_names_and_tooltips_in_both_themes(page):
    open_forgotten(page)
    open_options(page)
    page.locator("#ring").click()
    page.fill("#message textarea", "A draft")
    page.mouse.move(700, 300)
    for theme in ("system", "light", "dark"):
        expect(page.locator(".theme")).to_have_attribute("title", f"Theme: {theme}")
        assert page.locator("body.dark").count() == (theme == "dark")
        # Not while colours fade from one theme to the other.
        page.wait_for_function(
            "document.getAnimations().every(one => !(one instanceof CSSTransition))"
        )
        assert looked(page, "faint") == {}, theme
        if theme != "dark":
            page.click(".theme")
    assert looked(page, "unnamed") == []
    # What was chosen outlives a reload.
    page.reload()
    page.wait_for_selector(READY, timeout=60_000)
    expect(page.locator("body.dark")).to_have_count(1)
    page.click(".theme")
    expect(page.locator("body.dark")).to_have_count(0)
    page.fill("#message textarea", "")
    pin = page.locator('.turn.user [data-act="pin"]').first
    before = pin.evaluate("node => getComputedStyle(node.querySelector('svg')).color")
    pin.evaluate("node => node.click()")
    expect(page.locator(".pinned")).to_have_count(1)
    # A pin shows, holds its exchange in the context, and is drawn in its button's own colour.
    expect(page.locator(".turn.forgotten")).to_have_count(0)
    svg, own = page.locator(".pinned").evaluate(
        "node => [node.querySelector('svg'), node].map(one => getComputedStyle(one).color)"
    )
    assert svg == own != before


def test_the_row_under_the_box(page):
    radios = page.get_by_role("radio")
    expect(page.locator("[role=radio][aria-checked=true]")).to_have_text("Balanced")
    expect(page.locator("#ring")).to_have_text("0 % of context used")
    # All of it is reached with the keyboard, from the box on; the styles are one stop.
    page.focus("#message textarea")
    names = []
    for _ in range(6):
        page.keyboard.press("Tab")
        names.append(page.evaluate("(e => e.ariaLabel || e.innerText)(document.activeElement)"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    context = "0 % of context used"
    assert names == ["Send", "Tools", "Balanced", context, "Exact prompt", "Advanced options"]
    if page.locator("#meter.open").count():
        page.click("#ring")
    expect(page.locator(".meter")).to_be_hidden()
    page.click("#ring")
    expect(page.locator(".meter")).to_contain_text("reserved for reply 512")
    expect(page.locator(".meter")).to_be_visible()
    page.click("#ring")
    radios.filter(has_text="Creative").click()
    expect(page.locator("#option-temperature input[type=number]")).to_have_value("1.1")
    expect(page.locator("[role=radio][aria-checked=true]")).to_have_text("Creative")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[role=radio][aria-checked=true]")).to_have_text("Balanced")
    open_options(page)
    set_option(page, "temperature", "0.35")
    expect(page.locator("[role=radio][aria-checked=true]")).to_have_count(0)
    page.click(".chip")
    expect(page.locator(".chip")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#option-tools input")).to_be_checked()
    # What was changed and not sent stays with its chat, also over a reload.
    load(page, to_json(Conversation().ask("Other").answer("One.", Facts(reply_tokens=1))))
    page.fill("#option-system textarea", "Answer in Latin.")
    page.keyboard.press("Tab")
    page.locator("#sidebar .title", has_text="Other").click()
    expect(page.locator("#option-system textarea")).to_have_value("")
    page.fill("#option-system textarea", "Answer in Greek.")
    page.keyboard.press("Tab")
    expect(page.locator("#preset option:checked")).to_have_text("Custom")
    page.reload()
    page.wait_for_selector(READY, timeout=60_000)
    expect(page.locator("#option-system textarea")).to_have_value("Answer in Greek.")
    more(page, "clear")


def test_panels_close_with_esc_and_a_click_beside_them(page):
    assert not page.get_by_text("Use via API").count()
    for opener, said in (
        ("#show-prompt", "Prompt preview"),
        (".about", "/v1/chat/completions"),
    ):
        for close in (
            lambda: page.keyboard.press("Escape"),
            lambda: page.mouse.click(5, 5),
            lambda: page.get_by_role("button", name="Close", exact=True).click(),
        ):
            page.click(opener)
            panel = page.get_by_role("dialog")
            expect(panel).to_contain_text(said)
            page.keyboard.press("Shift+Tab")
            # Behind it nothing has the focus.
            assert not page.evaluate("document.activeElement.matches('#frame :not(dialog *)')")
            close()
            expect(panel).to_have_count(0)
            expect(page.locator(opener)).to_be_focused()
    page.set_viewport_size({"width": 1024, "height": 700})
    for close in (lambda: page.keyboard.press("Escape"), lambda: page.mouse.click(100, 600)):
        open_options(page)
        close()
        expect(page.locator("#options")).to_be_hidden()
        expect(page.locator("#keys .options-button")).to_be_focused()


def test_one_click_shows_why_each_word_was_chosen(page):
    page.get_by_role("button", name="See why it chose each word").click()
    words = page.locator(".tokens i")
    expect(words.first).to_be_visible(timeout=60_000)
    expect(page.locator(".legend")).to_contain_text("surprising")
    chip = page.get_by_role("button", name="Why these words?")
    expect(chip).to_have_attribute("aria-pressed", "true")
    words.nth(1).hover()
    page.locator(".alternatives button:enabled").nth(1).click()
    # The menu is gone when the branch begins, and the words stay open.
    expect(page.locator(".alternatives")).to_have_count(0)
    expect(page.locator(".versions")).to_have_text("2/2", timeout=60_000)
    wait_until_idle(page)
    expect(words.first).to_be_visible()
    assert not {"</s>", "0.0 %"} & set(page.locator(".tokens i").all_inner_texts())
    # Its settings alone would give another reply: no replay is offered.
    expect(page.locator(f'{LAST_REPLY} [data-act="copy"]')).to_have_count(1)
    expect(page.locator(f'{LAST_REPLY} [data-act="replay"]')).to_have_count(0)


def test_one_click_compares_two_temperatures_with_one_seed(page):
    page.get_by_role("button", name="Compare temperature 0.2 and 1.4").click()
    expect(page.locator(".column-of-two .named")).to_have_count(2, timeout=60_000)
    heads = page.locator(".column-of-two h2").all_inner_texts()
    assert [re.search(r"temperature ([\d.]+)", head)[1] for head in heads] == ["0.2", "1.4"]
    details = page.locator(".column-of-two .details").all_text_contents()
    assert len({re.search(r"Seed(\d+)", text)[1] for text in details}) == 1
    # The chat goes on as its options say.
    expect(page.locator("#option-temperature input[type=number]")).to_have_value("0.7")


def test_a_replay_of_an_earlier_reply_tells_the_truth(page):
    open_options(page)
    set_option(page, "temperature", "0")
    set_option(page, "max_new_tokens", "8")
    chat(page, "Hello!")
    chat(page, "What is top_p?")
    tool(page, ".turn.assistant >> nth=0", "replay")
    expect(page.locator(".news")).to_contain_text("the same reply, word for word", timeout=60_000)
    expect(page.locator(".versions")).to_have_count(0)
    expect(page.locator(".turn")).to_have_count(4)
    # What was cut goes on, and counts as a whole.
    tool(page, LAST_REPLY, "continue")
    expect(page.locator(f"{LAST_REPLY} .details")).to_contain_text("16 tokens", timeout=60_000)
    page.click(f'{LAST_REPLY} [data-act="why"]')
    assert page.locator(".tokens i").count() == 16


def test_an_old_fault_goes_when_its_cause_does(page):
    page.fill("#message textarea", "llama " * 3000)
    page.keyboard.press("Enter")
    expect(page.locator("#notice .fault")).to_contain_text("the context window holds 2,048")
    page.fill("#message textarea", "Hello!")
    expect(page.locator("#main .fault")).to_have_count(0)


def test_a_preset_has_a_name_of_its_own_and_its_deletion_is_undone(page):
    open_options(page)
    page.fill("#option-system textarea", "Answer in Latin.")
    page.get_by_role("button", name="Save as…").click()
    page.keyboard.type("pirate")
    page.keyboard.press("Enter")
    field = page.get_by_label("Name of the preset")
    assert "Choose another" in field.evaluate("node => node.validationMessage")
    field.fill("Latin")
    page.keyboard.press("Enter")
    expect(page.locator("#preset option:checked")).to_have_text("Latin")
    page.locator("#presets").get_by_role("button", name="Delete").click()
    expect(page.locator("#preset option:checked")).to_have_text("Custom")
    page.locator("#sidebar .toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#preset option:checked")).to_have_text("Latin")


def violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    return page.evaluate(
        """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
            .flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.html.slice(0, 160)}`))"""
    )


def test_axe_finds_nothing(page, axe, start_app, open_page):
    found = {"empty": violations(page, axe)}
    page.get_by_role("button", name="See why it chose each word").click()
    page.wait_for_selector("#running .md, .tokens")
    found["mid-stream"] = violations(page, axe)
    expect(page.locator(".tokens i").first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(800)  # the shades have faded in
    found["words"] = violations(page, axe)
    open_options(page)
    found["options"] = violations(page, axe)
    page.click("#options .options-button")
    page.click("#show-prompt")
    expect(page.locator("#inspector .segment").first).to_be_visible()
    found["prompt"] = violations(page, axe)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+o")
    page.get_by_role("button", name="Compare temperature 0.2 and 1.4").click()
    expect(page.locator(".column-of-two .named")).to_have_count(2, timeout=60_000)
    found["compare"] = violations(page, axe)
    page.route("**/health", lambda route: route.abort())
    page.route("**/page/meter", lambda route: route.abort())
    page.fill("#message textarea", "A draft")
    expect(page.locator(".banner")).to_be_visible()
    expect(page.locator(".badge.away")).to_be_visible()
    found["lost"] = violations(page, axe)
    page.unroute("**/health")
    page.unroute("**/page/meter")
    expect(page.locator(".banner")).to_have_count(0, timeout=30_000)
    page.fill("#message textarea", "")
    log_in = page.context.new_page()
    log_in.goto(start_app("--auth", "ada:a long password").url)
    found["log-in"] = violations(log_in, axe)
    log_in.close()
    assert {state: all_ for state, all_ in found.items() if all_} == {}
