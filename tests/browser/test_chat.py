"""The page as a person uses it: a real browser, the real application, the bundled model."""

import re

import pytest
from playwright.sync_api import Page, expect

from llama_ui.web.page.presets import EXAMPLES

READY = ".badge.ready"


@pytest.fixture
def page(app, open_page) -> Page:
    page = open_page(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    return page


def send(page: Page, text: str) -> None:
    page.fill("#message textarea", text)
    page.press("#message textarea", "Enter")


def wait_until_idle(page: Page) -> None:
    expect(page.locator("#send")).to_be_visible(timeout=60_000)


def chat(page: Page, text: str) -> str:
    """Send a message, wait for the whole reply and return its text."""
    before = page.locator(".turn.assistant:not(.running)").count()
    send(page, text)
    replies = page.locator(".turn.assistant:not(.running)")
    expect(replies).to_have_count(before + 1, timeout=60_000)
    wait_until_idle(page)
    return replies.last.locator(".md").inner_text()


def more(page: Page, elem_id: str) -> None:
    """Choose from the menu of the chat."""
    page.click("#actions summary")
    page.click(f"#{elem_id}")


def set_option(page: Page, elem_id: str, value: str) -> None:
    kinds = ("input[type=number]", "input[type=text]", "textarea")
    field = page.locator(", ".join(f"#option-{elem_id} {kind}" for kind in kinds)).first
    field.fill(value)
    field.press("Tab")


def open_options(page: Page) -> None:
    page.click("#keys .options-button")
    expect(page.locator("#option-temperature")).to_be_visible()


def test_the_badge_names_model_quantisation_device_and_context(page):
    expect(page.locator(".badge")).to_have_text("Pocket Llama · 4-bit NF4 · CPU · 2,048 tokens")


def test_a_message_streams_and_keeps_the_focus(page):
    send(page, "Hello!")
    expect(page.locator("#message textarea")).to_have_value("")
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!")
    expect(page.locator(".turn.assistant")).to_have_text(re.compile(r"\w"), timeout=60_000)
    wait_until_idle(page)
    expect(page.locator(".details")).to_have_text(
        re.compile(r"Reply\d+ tokens, \d+ tokens/s.*First token\d+\.\d\d s.*Seed\d+")
    )
    expect(page.locator("#message textarea")).to_be_focused()


def test_the_reply_grows_while_it_streams(endless_page):
    page = endless_page
    send(page, "Tell me a long story about a llama.")
    running = page.locator("#running .md")
    expect(running).to_be_visible(timeout=60_000)
    first = running.inner_text()
    page.wait_for_function(
        "n => document.querySelector('#running .md')?.innerText.length > n + 20", arg=len(first)
    )
    page.keyboard.press("Escape")
    wait_until_idle(page)
    assert page.locator(".turn.assistant .md").inner_text().startswith(first[: len(first) // 2])


@pytest.mark.parametrize("how", ["button", "escape"])
def test_stop_keeps_the_partial_reply(endless_page, how):
    page = endless_page
    send(page, "Tell me a long story about a llama.")
    expect(page.locator("#running .md")).to_be_visible(timeout=60_000)
    expect(page.locator("#send")).to_be_hidden()
    if how == "button":
        page.click("#stop")
    else:
        page.keyboard.press("Escape")
    wait_until_idle(page)
    expect(page.locator(".note")).to_have_text("Stopped.")
    assert page.locator(".turn.assistant .md").inner_text().strip()
    assert chat(page, "Hello again!")


def tool(page: Page, turn: str, act: str, label: str = "") -> None:
    """Click a button under a message, as a mouse does: it shows when the mouse is there."""
    row = page.locator(turn)
    row.hover()
    row.locator(f'[data-act="{act}"]' + (f'[title="{label}"]' if label else "")).click()


LAST_REPLY = ".turn.assistant:not(.running):last-child"
LAST_QUESTION = ".turn.user >> nth=-1"


def test_retry_keeps_the_first_reply_as_a_version(page):
    open_options(page)
    set_option(page, "temperature", "1.2")
    first = chat(page, "Tell me a tiny story about a brave llama.")
    tool(page, LAST_REPLY, "retry")
    expect(page.locator(".versions")).to_have_text("2/2", timeout=60_000)
    wait_until_idle(page)
    second = page.locator(".turn.assistant .md").inner_text()
    assert second != first
    tool(page, LAST_REPLY, "select", "Earlier version")
    expect(page.locator(".versions")).to_have_text("1/2")
    assert page.locator(".turn.assistant .md").inner_text() == first
    # Going on from the first one is a branch: the second is still there.
    chat(page, "Thank you!")
    tool(page, ".turn.assistant >> nth=0", "select", "Later version")
    expect(page.locator(".turn")).to_have_count(2)
    assert page.locator(".turn.assistant .md").inner_text() == second


def test_a_question_can_be_written_anew(page):
    chat(page, "Hello!")
    chat(page, "What is top_k?")
    tool(page, ".turn.user >> nth=0", "edit")
    editor = page.locator(".editor textarea")
    expect(editor).to_be_focused()
    expect(editor).to_have_value("Hello!")
    page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    tool(page, ".turn.user >> nth=0", "edit")
    editor.fill("What is top_p?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.user")).to_have_count(1)
    expect(page.locator(".turn.user .typed")).to_have_text("What is top_p?")
    expect(page.locator(LAST_REPLY)).to_contain_text(re.compile("top_p", re.I), timeout=60_000)
    wait_until_idle(page)
    tool(page, ".turn.user", "select", "Earlier version")
    expect(page.locator(".turn.user .typed").first).to_have_text("Hello!")
    expect(page.locator(".turn")).to_have_count(4)


def test_a_reply_can_be_written_anew_without_asking_the_model(page):
    chat(page, "Hello!")
    tool(page, LAST_REPLY, "edit")
    page.locator(".editor textarea").fill("  I am **bold**.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".turn.assistant .md strong")).to_have_text("bold")
    expect(page.locator(".note")).to_have_text("Edited.")
    tool(page, LAST_REPLY, "edit")
    expect(page.locator(".editor textarea")).to_have_value("  I am **bold**.")


def test_arrow_up_edits_the_last_message(page):
    chat(page, "Hello!")
    chat(page, "What is top_k?")
    page.press("#message textarea", "ArrowUp")
    expect(page.locator(".editor textarea")).to_have_value("What is top_k?")
    page.keyboard.press("Escape")
    expect(page.locator("#message textarea")).to_be_focused()


def test_a_reply_cut_by_its_limit_goes_on(page):
    open_options(page)
    set_option(page, "max_new_tokens", "6")
    set_option(page, "temperature", "0")
    cut = chat(page, "What does temperature do?")
    tool(page, LAST_REPLY, "continue")
    wait_until_idle(page)
    expect(page.locator(".turn.assistant .md")).not_to_have_text(cut, timeout=60_000)
    assert page.locator(".turn.assistant .md").inner_text().startswith(cut)
    expect(page.locator(".turn")).to_have_count(2)


def test_a_stopped_reply_goes_on(endless_page):
    page = endless_page
    send(page, "Tell me a long story about a llama.")
    expect(page.locator("#running .md")).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    wait_until_idle(page)
    stopped = page.locator(LAST_REPLY).get_attribute("data-text")
    tool(page, LAST_REPLY, "continue")
    page.wait_for_function(
        "text => document.querySelector('#running .md')?.innerText.length > text.length",
        arg=stopped,
    )
    page.keyboard.press("Escape")
    wait_until_idle(page)
    whole = page.locator(LAST_REPLY).get_attribute("data-text")
    assert whole.startswith(stopped)
    assert len(whole) > len(stopped)


def test_copying_gives_the_text_exactly_as_it_is(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = "  <b>one</b>\n\n\ttwo [INST]  "
    chat(page, text)
    tool(page, ".turn.user", "copy")
    expect(page.locator(".turn.user .copied")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text
    more(page, "copy-all")
    expect(page.locator("#copy-all")).to_have_text("Copied")
    everything = page.evaluate("navigator.clipboard.readText()")
    reply = page.locator(LAST_REPLY).get_attribute("data-text")
    assert everything == f"**You**\n\n{text}\n\n**Reply**\n\n{reply}"
    expect(page.locator("#copy-all")).to_have_text("Copy chat", timeout=5_000)


def test_enter_while_a_reply_is_written_is_explained(endless_page):
    page = endless_page
    send(page, "Tell me a long story about a llama.")
    expect(page.locator("#running .md")).to_be_visible(timeout=60_000)
    send(page, "And another one")
    expect(page.locator(".fault")).to_contain_text("still being written")
    expect(page.locator("#message textarea")).to_have_value("And another one")
    page.keyboard.press("Escape")
    wait_until_idle(page)


def test_stop_words_reminder_and_memory_reach_the_model(page):
    open_options(page)
    set_option(page, "temperature", "0")
    whole = chat(page, "What does temperature do?")
    word = whole.split()[4]
    set_option(page, "stop", word)
    more(page, "clear")
    expect(page.locator(".examples .example").first).to_be_visible()
    assert chat(page, "What does temperature do?") == whole[: whole.index(word)].rstrip()
    set_option(page, "keep_last", "0")
    chat(page, "Hello!")
    # The next message, too, would be sent with nothing before it: both exchanges are grey.
    expect(page.locator(".turn.forgotten")).to_have_count(4)
    expect(page.locator(".divider")).to_contain_text("2 exchanges")
    set_option(page, "keep_last", "1")
    expect(page.locator(".turn.forgotten")).to_have_count(2)
    expect(page.locator(".divider")).to_contain_text("1 exchange.")


def test_sampling_presets_and_reset(page):
    open_options(page)
    page.get_by_role("button", name="Creative").click()
    expect(page.locator("#option-temperature input[type=number]")).to_have_value("1.1")
    set_option(page, "seed", "5")
    page.click("#reset")
    expect(page.locator("#option-temperature input[type=number]")).to_have_value("0.7")
    expect(page.locator("#option-seed textarea, #option-seed input")).to_have_value("")


def test_undo_gives_the_typed_text_back(page):
    chat(page, "Hello!")
    chat(page, "What is top_p?")
    more(page, "undo")
    expect(page.locator(".turn.user")).to_have_count(1)
    expect(page.locator("#message textarea")).to_have_value("What is top_p?")


def test_clear_shows_the_empty_page_again(page):
    chat(page, "Hello!")
    more(page, "clear")
    expect(page.locator(".examples .example")).to_have_count(4)
    expect(page.locator("#actions")).to_be_hidden()


def test_an_example_prompt_is_sent_by_a_click(page):
    page.locator(".examples .example").nth(2).click()
    expect(page.locator(".turn.user .typed")).to_have_text(EXAMPLES[2]["text"])
    wait_until_idle(page)
    expect(page.locator(".turn.assistant .md")).to_have_text(re.compile(r"\w"))


def test_an_option_changes_the_reply(page):
    open_options(page)
    set_option(page, "max_new_tokens", "3")
    chat(page, "Tell me a tiny story about a brave llama.")
    expect(page.locator(".note")).to_contain_text("limit of 3 new tokens")
    expect(page.locator(".details")).to_contain_text("3 tokens")


def test_a_seed_repeats_a_reply(page):
    open_options(page)
    set_option(page, "seed", "11")
    set_option(page, "temperature", "1.5")
    first = chat(page, "Tell me a tiny story about a brave llama.")
    more(page, "clear")
    expect(page.locator(".examples .example").first).to_be_visible()
    assert chat(page, "Tell me a tiny story about a brave llama.") == first


def test_without_a_seed_each_reply_has_a_new_one(page):
    open_options(page)
    chat(page, "Hello!")
    chat(page, "Hello!")
    details = page.locator(".details").all_text_contents()
    seeds = {re.search(r"Seed(\d+)", text)[1] for text in details}
    assert len(seeds) == 2
    assert "0" not in seeds


def test_a_seed_that_is_none_is_explained(page):
    open_options(page)
    set_option(page, "seed", "-5")
    send(page, "Hello!")
    expect(page.locator(".fault")).to_contain_text("Seed cannot be '-5'")
    expect(page.locator("#message textarea")).to_have_value("Hello!")


def test_the_focus_returns_to_the_message_box(page):
    page.locator(".examples .example").nth(2).click()
    wait_until_idle(page)
    expect(page.locator("#message textarea")).to_be_focused()
    more(page, "clear")
    expect(page.locator("#message textarea")).to_be_focused()


def test_shift_enter_breaks_the_line(page):
    page.fill("#message textarea", "one")
    page.press("#message textarea", "Shift+Enter")
    page.keyboard.type("two")
    expect(page.locator("#message textarea")).to_have_value("one\ntwo")
    expect(page.locator(".turn.user")).to_have_count(0)


def test_an_error_keeps_what_was_typed(page):
    text = "llama " * 3000
    send(page, text)
    expect(page.locator("#notice .fault")).to_contain_text("the context window holds 2,048")
    # The meter has said it before; it is not to be read twice.
    expect(page.locator("#meter .fault")).to_be_hidden()
    expect(page.locator("#message textarea")).to_have_value(text)
    page.fill("#message textarea", "Hello!")
    page.press("#message textarea", "Enter")
    expect(page.locator(".fault")).to_have_count(0)
    wait_until_idle(page)


def test_who_is_turned_away_at_the_door_keeps_what_was_typed(page):
    page.route("**/page/turn", lambda route: route.fulfill(status=503))
    send(page, "Hello!")
    expect(page.locator(".fault")).to_contain_text("busy. Wait a moment")
    expect(page.locator("#message textarea")).to_have_value("Hello!")
    page.unroute("**/page/turn")
    page.press("#message textarea", "Enter")
    expect(page.locator(".turn.assistant .md")).to_have_text(re.compile(r"\w"), timeout=60_000)


@pytest.mark.parametrize("delay_ms", [100, 200, 400])
def test_what_is_typed_while_the_network_is_slow_stays_in_the_box(page, delay_ms):
    def later(route):
        page.wait_for_timeout(delay_ms)
        route.continue_()

    page.route("**/page/turn", later)
    page.fill("#message textarea", "Hello!")
    page.keyboard.press("Enter")
    # Painted before the server has heard of it.
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!", timeout=200)
    page.keyboard.type("and one more thing", delay=20)
    wait_until_idle(page)
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!")
    expect(page.locator("#message textarea")).to_have_value("and one more thing")


@pytest.mark.parametrize("place", ["#message textarea", ".editor textarea"])
def test_the_enter_that_ends_a_composition_sends_nothing(page, place):
    """Safari ends it before the key: isComposing is false then, and only the code tells."""
    chat(page, "Hello!")
    if place.startswith(".editor"):
        tool(page, ".turn.user", "edit")
    page.fill(place, "こんにちは")
    page.locator(place).evaluate(
        "area => area.dispatchEvent(new KeyboardEvent('keydown', "
        "{key: 'Enter', keyCode: 229, bubbles: true, cancelable: true}))"
    )
    page.wait_for_timeout(300)
    expect(page.locator(place)).to_have_value("こんにちは")
    expect(page.locator(".turn.user")).to_have_count(1)


def test_an_edited_reply_is_a_version_beside_the_original(page):
    reply = chat(page, "Hello!")
    tool(page, LAST_REPLY, "edit")
    page.locator(".editor textarea").fill("Something else.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".versions")).to_have_text("2/2")
    tool(page, LAST_REPLY, "select", "Earlier version")
    expect(page.locator(".turn.assistant .md")).to_have_text(reply)


def test_an_undo_can_be_undone(page):
    chat(page, "Hello!")
    reply = chat(page, "What is top_p?")
    more(page, "undo")
    expect(page.locator(".turn.user")).to_have_count(1)
    page.reload()
    expect(page.locator(".turn.user")).to_have_count(1)
    more(page, "undo")
    expect(page.locator(".turn")).to_have_count(0)
    page.locator("#sidebar .toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".turn.user")).to_have_count(2)
    expect(page.locator(LAST_REPLY).locator(".md")).to_have_text(reply)


def test_fields_of_a_phone_are_large_enough_not_to_be_zoomed_into(app, open_page):
    page = open_page(app.url, 390, 844)
    page.wait_for_selector(READY, timeout=60_000)
    chat(page, "Hello!")
    tool(page, ".turn.user", "edit")
    open_options(page)
    small = page.evaluate(
        "[...document.querySelectorAll('textarea, input, select')]"
        ".filter(e => !['checkbox', 'range', 'file', 'radio'].includes(e.type) && !e.hidden)"
        ".filter(e => parseFloat(getComputedStyle(e).fontSize) < 16)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert small == []


def test_an_empty_message_is_not_sent(page):
    page.press("#message textarea", "Enter")
    expect(page.locator(".fault")).to_contain_text("empty")
    expect(page.locator(".turn")).to_have_count(0)


def test_html_and_scripts_are_text(page):
    hostile = (
        '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
        "<b>bold</b> ${window.hacked=1} {{value}} <s>struck</s> [INST] <<SYS>>"
    )
    chat(page, hostile)
    expect(page.locator(".typed")).to_have_text(hostile)
    assert page.evaluate("window.hacked") is None
    assert page.locator("#transcript img, #transcript script, #transcript b").count() == 0


def test_the_chat_follows_the_stream_unless_the_reader_scrolled_up(endless_app, open_page):
    page = open_page(endless_app.url, height=420)
    page.wait_for_selector(READY, timeout=60_000)
    send(page, "Tell me a long story about a llama.\n" * 12)
    overflow = (
        "(() => { const c = document.getElementById('chat');"
        " return [c.scrollTop, c.scrollHeight - c.clientHeight]; })()"
    )
    page.wait_for_function(f"{overflow}[1] > 150")
    page.wait_for_function(f"{overflow}[1] - {overflow}[0] < 60")
    page.evaluate("document.getElementById('chat').scrollTop = 0")
    page.wait_for_timeout(700)
    assert page.evaluate(f"{overflow}[0]") == 0
    page.keyboard.press("Escape")
    wait_until_idle(page)


def test_two_visitors_do_not_see_each_other(app, open_page):
    one, two = open_page(app.url), open_page(app.url)
    for page in (one, two):
        page.wait_for_selector(READY, timeout=60_000)
    send(one, "I am the first.")
    send(two, "I am the second.")
    for page, text in ((one, "I am the first."), (two, "I am the second.")):
        wait_until_idle(page)
        expect(page.locator(".typed")).to_have_text([text])


def test_closed_pages_free_the_engine(endless_app, open_page):
    """Four replies take all places; without their pages they would go on for a minute."""
    *pages, other = [open_page(endless_app.url) for _ in range(5)]
    for page, limit in zip([*pages, other], ("1900", "1900", "1900", "1900", "3"), strict=True):
        page.wait_for_selector(READY, timeout=60_000)
        open_options(page)
        set_option(page, "max_new_tokens", limit)
    for page in pages:
        send(page, "Tell me a long story about a llama.")
    for page in pages:
        expect(page.locator("#running .md")).to_be_visible(timeout=60_000)
    for page in pages:
        page.context.close()
    send(other, "Hello!")
    expect(other.locator(".details")).to_contain_text("3 tokens", timeout=20_000)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_of_the_screen(app, open_page, width, height, scheme):
    page = open_page(app.url, width, height, scheme)
    page.wait_for_selector(READY, timeout=60_000)
    assert chat(page, "How do I run Llama 2 7B here?")
    open_options(page)
    size = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert size == [width, height]
    for selector in ("#options", "#options h2"):
        box = page.locator(selector).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    page.click("#options .options-button")
    for selector in ("#message", "#send", "#actions", "#keys .options-button", ".badge"):
        box = page.locator(selector).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height


def test_the_page_opens_while_the_model_loads(start_app, open_page):
    """The page is served before the model is there, and a message sent early is answered."""
    page = open_page(start_app().url)
    send(page, "Hello!")
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!")
    wait_until_idle(page)
    expect(page.locator(".turn.assistant .md")).to_have_text(re.compile(r"\w"))


def test_a_model_that_cannot_be_loaded_is_explained(start_app, open_page, tmp_path):
    page = open_page(start_app("--model", str(tmp_path)).url)
    page.wait_for_selector(".badge.failed", timeout=60_000)
    # At once, and for as long as it is so.
    expect(page.locator(".fault")).to_contain_text("holds no model: it has no config.json")
    page.locator("#message textarea").press_sequentially("He")
    expect(page.locator(".fault")).to_contain_text("holds no model")
    send(page, "Hello!")
    expect(page.locator(".fault")).to_contain_text("holds no model: it has no config.json")
    expect(page.locator("#message textarea")).to_have_value("Hello!")
