"""The chats that the browser keeps, and the sidebar that lists them: real storage, real files."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Download, Page, expect

from llama_ui.chat.conversation import Conversation, Facts
from llama_ui.chat.export import from_json, to_json
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.test_chat import (
    READY,
    chat,
    more,
    send,
    wait_until_idle,
)

TITLES = "#sidebar .title"
HEAD = '{"format":"llama-ui-chat","version":1,"chat":'
FILL = """
() => {
    for (let size = 4_000_000, n = 0; size >= 1; size = Math.floor(size / 2)) {
        try {
            for (;;) localStorage.setItem(`filler-${n}`, 'x'.repeat(size)), n += 1;
        } catch { localStorage.removeItem(`filler-${n}`); }
    }
}
"""
EMPTY = """
for (const name of Object.keys(localStorage)) {
    if (name.startsWith('filler')) localStorage.removeItem(name);
}
"""

# The contrast of every text in the sidebar with what lies behind it, as WCAG 2 counts.
CONTRASTS = """
() => {
    const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
    const draw = canvas.getContext('2d');
    const shade = (...colours) => {
        colours.forEach(colour => { draw.fillStyle = colour; draw.fillRect(0, 0, 1, 1); });
        const parts = [...draw.getImageData(0, 0, 1, 1).data].slice(0, 3).map(x => x / 255)
            .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const found = {};
    for (const node of document.querySelectorAll('#sidebar :is(button, h3, p, span, summary)')) {
        const backgrounds = [];
        for (let at = node; at; at = at.parentElement) {
            backgrounds.unshift(getComputedStyle(at).backgroundColor);
        }
        const behind = shade(...backgrounds);
        const text = shade(...backgrounds, getComputedStyle(node).color);
        const [dark, light] = [behind, text].sort((a, b) => a - b);
        const name = `${node.className} ${node.ariaLabel ?? node.innerText}`;
        found[name] = (light + 0.05) / (dark + 0.05);
    }
    return found;
}
"""


@pytest.fixture(scope="module")
def context(browser) -> Iterator[BrowserContext]:
    """One browser profile for all tests: what it has loaded once it need not load again."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert not errors


@pytest.fixture
def page(app, context) -> Iterator[Page]:
    page = context.new_page()
    page.goto(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    yield page
    page.evaluate("localStorage.clear()")
    for tab in context.pages:
        tab.close()


def titles(page: Page) -> list[str]:
    return page.locator(TITLES).all_text_contents()


def new_chat(page: Page) -> None:
    page.get_by_role("button", name="New chat", exact=True).click()
    expect(page.locator(".example").first).to_be_visible()


def tab(page: Page) -> Page:
    """Another tab of the same browser."""
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector(READY, timeout=60_000)
    return other


def stored(page: Page) -> dict[str, str]:
    """What the browser holds: key -> chat."""
    return page.evaluate(
        "Object.fromEntries(Object.entries(localStorage)"
        ".filter(([k]) => k.startsWith('llama-ui:chat:')).map(([k, v]) => [k.slice(14), v]))"
    )


def menu(page: Page, label: str) -> None:
    page.get_by_text("Export and import").click()
    page.get_by_role("button", name=label).click()


def exported(page: Page, label: str) -> tuple[Download, str]:
    with page.expect_download() as waiting:
        menu(page, label)
    return waiting.value, Path(waiting.value.path()).read_text(encoding="utf-8")


def load(page: Page, text: str) -> None:
    """Choose a file to import."""
    file = {"name": "chats.json", "mimeType": "application/json", "buffer": text.encode()}
    page.locator("#sidebar input[type=file]").set_input_files([file])


def saved(text: str, reply: str = "Yes.", name: str = "") -> Conversation:
    return Conversation(name=name).ask(text).answer(reply, Facts(reply_tokens=1))


def several(chats: list[Conversation]) -> str:
    """A file of several chats."""
    inner = ",".join(to_json(chat)[len(HEAD) : -1] for chat in chats)
    return f'{{"format":"llama-ui-chats","version":1,"chats":[{inner}]}}'


def tool(page: Page, name: str, title: str) -> None:
    page.locator("#sidebar .kept", has_text=title).hover()
    page.get_by_role("button", name=f"{name} {title}", exact=True).click()


def test_a_chat_is_listed_by_its_first_words_and_survives_a_reload(page):
    expect(page.locator("#sidebar .none")).to_contain_text("only in this browser")
    reply = chat(page, "Hello there!")
    expect(page.locator(TITLES)).to_have_text(["Hello there!"])
    expect(page.locator(TITLES)).to_have_attribute("aria-current", "true")
    page.fill("#message textarea", "half a thou")
    page.reload()
    expect(page.locator(".turn.user .typed")).to_have_text("Hello there!")
    expect(page.locator(".turn.assistant .md")).to_have_text(reply)
    expect(page.locator("#message textarea")).to_have_value("half a thou")
    # It goes on where it was.
    chat(page, "And again.")
    expect(page.locator(TITLES)).to_have_text(["Hello there!"])
    assert len(json.loads(next(iter(stored(page).values())))["chat"]["nodes"]) == 4


def test_a_new_tab_begins_a_new_chat_and_lists_the_old_ones(page):
    chat(page, "Hello!")
    other = tab(page)
    expect(other.locator(".example").first).to_be_visible()
    expect(other.locator(TITLES)).to_have_text(["Hello!"])
    chat(other, "Good morning!")
    expect(page.locator(TITLES)).to_have_text(["Good morning!", "Hello!"])


def test_chats_are_switched_with_their_options(page):
    page.get_by_text("Advanced options").click()
    page.fill("#option-system textarea", "Answer in one short sentence.")
    chat(page, "Hello!")
    new_chat(page)
    expect(page.locator("#option-system textarea")).to_have_value("")
    chat(page, "Good morning!")
    expect(page.locator(TITLES)).to_have_text(["Good morning!", "Hello!"])
    page.locator(TITLES).last.click()
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!")
    expect(page.locator("#option-system textarea")).to_have_value("Answer in one short sentence.")
    # To look at a chat does not move it to the top.
    assert titles(page) == ["Good morning!", "Hello!"]


def test_leaving_a_chat_lets_its_reply_go_on_there(endless_page):
    page = endless_page
    send(page, "Tell me a long story.")
    expect(page.locator("#running .md")).to_be_visible(timeout=60_000)
    page.keyboard.press("Control+Shift+o")
    expect(page.locator(".example").first).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#sidebar .writing")).to_have_count(1)
    # A question in another chat is answered beside it.
    send(page, "And another story, please.")
    expect(page.locator("#running .md")).to_be_visible(timeout=60_000)
    page.locator(TITLES, has_text="Tell me").click()
    length = len(page.locator("#running .md").inner_text())
    page.wait_for_function(
        "n => document.querySelector('#running .md')?.innerText.length > n", arg=length
    )
    page.keyboard.press("Escape")
    wait_until_idle(page)
    expect(page.locator(".note")).to_have_text("Stopped.")
    page.locator(TITLES, has_text="another").click()
    expect(page.locator("#running .md")).to_be_visible()
    page.click("#stop")
    wait_until_idle(page)


@pytest.mark.parametrize("how", ["reload", "kill"])
def test_what_was_seen_of_a_reply_stays(endless_page, endless_app, start_app, open_page, how):
    if how == "kill":
        app = start_app()
        page = open_page(app.url)
        page.wait_for_selector(READY, timeout=60_000)
    else:
        page = endless_page
    send(page, "Tell me a long story about a llama." if how == "reload" else "Tell me a story.")
    page.wait_for_function(
        "Object.values(localStorage).some(v => v.includes('\"cancelled\"'))", timeout=60_000
    )
    if how == "reload":
        page.reload()
    else:
        app.process.kill()
        expect(page.locator(".fault")).to_contain_text("connection to the server broke")
    expect(page.locator(".note")).to_have_text("Stopped.", timeout=30_000)
    seen = page.locator(".turn.assistant .md").inner_text()
    assert seen.strip()
    if how == "reload":
        page.wait_for_selector(READY, timeout=60_000)
        page.locator('[data-act="continue"]').click()
        page.wait_for_function(
            "n => document.querySelector('#running .md')?.innerText.length > n", arg=len(seen)
        )
        page.keyboard.press("Escape")
        wait_until_idle(page)
        assert page.locator(".turn.assistant .md").inner_text().startswith(seen[: len(seen) // 2])


def test_a_restart_of_the_server_loses_nothing(start_app, open_page):
    app = start_app()
    page = open_page(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    chat(page, "Hello! My name is Ada.")
    other = tab(page)
    chat(other, "Hello! My name is Noor.")
    app.process.terminate()
    app.process.wait(timeout=20)
    send(other, "What is my name?")
    expect(other.locator(".banner")).to_contain_text("Connection lost")
    expect(other.locator(".badge.away")).to_be_visible()
    # What could not be sent is back in its box.
    expect(other.locator("#message textarea")).to_have_value("What is my name?")
    start_app(port=int(app.url.rsplit(":", 1)[1]))
    # With the page left open nobody notices: the next message is answered, once, in its chat.
    send(page, "What is my name?")
    asked = ["Hello! My name is Ada.", "What is my name?"]
    expect(page.locator(".turn.user .typed")).to_have_text(asked, timeout=60_000)
    wait_until_idle(page)
    expect(page.locator(".turn.assistant .md")).to_have_count(2)
    expect(page.locator(".fault")).to_have_count(0)
    expect(other.locator(".banner")).to_have_count(0, timeout=30_000)
    other.press("#message textarea", "Enter")
    expect(other.locator(".turn.assistant .md")).to_have_count(2, timeout=60_000)
    assert len(stored(page)) == 2


def test_rename(page):
    chat(page, "Hello!")
    tool(page, "Rename", "Hello!")
    page.keyboard.type("Greetings")
    page.keyboard.press("Enter")
    expect(page.locator(TITLES)).to_have_text(["Greetings"])
    new_chat(page)
    tool(page, "Rename", "Greetings")
    page.keyboard.type("Salutations")
    page.keyboard.press("Enter")
    expect(page.locator(TITLES)).to_have_text(["Salutations"])
    [kept] = stored(page).values()
    assert json.loads(kept)["chat"]["name"] == "Salutations"
    # Empty: the first words again. Escape: nothing.
    tool(page, "Rename", "Salutations")
    page.keyboard.type("Never")
    page.keyboard.press("Escape")
    tool(page, "Rename", "Salutations")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    expect(page.locator(TITLES)).to_have_text(["Hello!"])


def test_a_chat_is_renamed_while_its_reply_is_written(page):
    send(page, "Tell me a tiny story about a brave llama.")
    tool(page, "Rename", "Tell me a tiny story about a brave llama.")
    page.keyboard.type("A story")
    page.keyboard.press("Enter")
    expect(page.locator(TITLES)).to_have_text(["A story"])
    wait_until_idle(page)
    page.wait_for_function("Object.values(localStorage).some(v => v.includes('\"ending\"'))")
    [kept] = stored(page).values()
    assert json.loads(kept)["chat"]["name"] == "A story"
    assert len(json.loads(kept)["chat"]["nodes"]) == 2


def test_delete_and_undo(page):
    load(page, several([saved("One"), saved("Two")]))
    expect(page.locator(TITLES)).to_have_text(["One", "Two"])
    before = stored(page)
    tool(page, "Delete", "One")
    expect(page.locator(TITLES)).to_have_text(["Two"])
    assert len(stored(page)) == 1
    page.get_by_role("button", name="Undo").last.click()
    expect(page.locator(TITLES)).to_have_text(["One", "Two"])
    assert stored(page) == before


def test_clear_deletes_the_open_chat_and_undo_opens_it_again(page):
    chat(page, "Hello!")
    more(page, "clear")
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator(TITLES)).to_have_count(0)
    assert stored(page) == {}
    page.locator("#sidebar .toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!")
    expect(page.locator(TITLES)).to_have_text(["Hello!"])


def test_search_looks_into_titles_and_texts(page):
    load(page, several([saved("Bread", "Take flour."), saved("Wine", "Take Grapes.")]))
    expect(page.locator(TITLES)).to_have_count(2)
    for words, found in (("wine", ["Wine"]), ("FLOUR", ["Bread"]), ("take", ["Bread", "Wine"])):
        page.get_by_label("Search chats").fill(words)
        expect(page.locator(TITLES)).to_have_text(found)
    # What the chats are kept in is not what they say.
    page.get_by_label("Search chats").fill("nodes")
    expect(page.locator("#sidebar .none")).to_have_text("No chat has “nodes” in it.")


def test_two_tabs_with_the_same_chat_do_not_overwrite_each_other(page):
    chat(page, "Hello!")
    other = tab(page)
    other.locator(TITLES).click()
    expect(other.locator(".turn.user .typed")).to_have_text("Hello!")
    chat(page, "From the first tab.")
    expect(other.locator("#elsewhere")).to_contain_text("changed in another tab")
    chat(other, "From the second tab.")
    expect(other.locator("#sidebar .toast")).to_contain_text("Both are kept")
    for one in (page, other):
        expect(one.locator(TITLES)).to_have_text(["Hello! (copy)", "Hello!"])
    said = {
        json.loads(kept)["chat"]["name"]: [
            node["text"] for node in json.loads(kept)["chat"]["nodes"] if node["role"] == "user"
        ]
        for kept in stored(page).values()
    }
    assert said == {
        "": ["Hello!", "From the first tab."],
        "Hello! (copy)": ["Hello!", "From the second tab."],
    }
    # Each goes on alone from now.
    chat(other, "Once more.")
    chat(page, "Once more.")
    assert len(stored(page)) == 2


def test_what_another_tab_wrote_can_be_shown(page):
    chat(page, "Hello!")
    other = tab(page)
    other.locator(TITLES).click()
    chat(page, "From the first tab.")
    other.get_by_role("button", name="Show it as it is there").click()
    expect(other.locator(".turn.user .typed")).to_have_text(["Hello!", "From the first tab."])
    expect(other.locator("#elsewhere p")).to_have_count(0)
    chat(other, "From the second tab.")
    assert len(stored(other)) == 1


def test_a_full_storage_is_said_and_nothing_is_lost(page):
    chat(page, "Hello!")
    page.evaluate(FILL)
    chat(page, "Is there room?")
    for place in ("#sidebar .toast", "#sidebar .warning"):
        expect(page.locator(place)).to_contain_text("storage is full: the chat is not saved")
    expect(page.locator(".unsaved")).to_have_text("not saved")
    # It stays here while the page is open, also when another chat is shown, and can be exported.
    new_chat(page)
    page.locator(TITLES).click()
    expect(page.locator(".turn.user .typed")).to_have_count(2)
    _, text = exported(page, "Export this chat (JSON)")
    assert "Is there room?" in text
    page.evaluate(EMPTY)
    chat(page, "And now?")
    expect(page.locator("#sidebar .warning")).to_have_count(0)
    expect(page.locator(".unsaved")).to_have_count(0)
    [kept] = stored(page).values()
    assert "And now?" in kept


def test_an_almost_full_storage_is_said_before(page):
    page.evaluate(FILL)
    page.evaluate("localStorage.removeItem('filler-0')")
    page.evaluate("localStorage.setItem('filler-0', 'x'.repeat(3_950_000))")
    chat(page, "Hello!")
    expect(page.locator("#sidebar .warning")).to_contain_text("almost full")
    assert len(stored(page)) == 1


def test_without_storage_the_page_works_and_says_so_once(app, open_page):
    page = open_page(app.url)
    refuse = (
        "for (const name of ['getItem', 'setItem', 'removeItem']) Storage.prototype[name] = "
        "() => { throw new DOMException('refused', 'SecurityError'); };"
    )
    page.context.add_init_script(refuse)
    page.reload()
    expect(page.locator("#sidebar .toast")).to_contain_text("store nothing")
    page.wait_for_selector(READY, timeout=60_000)
    page.get_by_role("button", name="Dismiss").click()
    chat(page, "Hello!")
    new_chat(page)
    page.locator(TITLES).click()
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!")
    expect(page.locator("#sidebar .toast")).to_have_count(0)


def test_a_damaged_index_is_mended_from_the_chats(page):
    load(page, several([saved("One"), saved("Two", name="A name")]))
    expect(page.locator(TITLES)).to_have_count(2)
    page.evaluate("localStorage.setItem('llama-ui:chats', '{broken')")
    page.reload()
    expect(page.locator(TITLES)).to_have_count(2)
    assert sorted(titles(page)) == ["A name", "One"]


def test_export_and_import_give_the_same_bytes(page):
    odd = saved('Tags <b> [INST] "quotes" \\ \n\t 🦙 \u2028 שלום', "  indented\n\n\n", "nämé <i>")
    chat(page, "Hello!")
    download, one = exported(page, "Export this chat (JSON)")
    assert download.suggested_filename == "Hello.json"
    load(page, to_json(odd))
    expect(page.locator(TITLES)).to_have_count(2)
    download, everything = exported(page, "Export all chats (JSON)")
    assert re.fullmatch(r"llama-ui-chats-\d{4}-\d\d-\d\d\.json", download.suggested_filename)
    first, second = json.loads(everything)["chats"]
    assert from_json(HEAD + json.dumps(first) + "}") == ([odd], 0)
    assert second == json.loads(one)["chat"]
    while page.locator(TITLES).count():
        page.locator("#sidebar .kept").first.hover()
        page.locator("#sidebar .kept").first.get_by_title("Delete", exact=True).click()
    load(page, everything)
    expect(page.locator(TITLES)).to_have_count(2)
    assert exported(page, "Export all chats (JSON)")[1] == everything
    page.locator(TITLES).last.click()
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!")
    assert exported(page, "Export this chat (JSON)")[1] == one
    download, text = exported(page, "Export this chat (Markdown)")
    assert download.suggested_filename == "Hello.md"
    assert text.startswith("# Hello!\n\n**You**\n\nHello!\n\n**Reply**\n\n")


def test_a_damaged_import_is_explained_and_changes_nothing(page):
    mine = to_json(saved("Mine"))
    load(page, mine)
    expect(page.locator(TITLES)).to_have_text(["Mine"])
    for text, said in (
        ("not JSON", "The file is no export of chats"),
        (mine.replace('"user"', '"root"'), "A chat in the file is damaged"),
        (mine[:-30], "The file is no export of chats"),
        ('{"format":"llama-ui-chat","version":9,"chat":{}}', "another version of Llama UI"),
    ):
        load(page, text)
        expect(page.locator("#sidebar .toast")).to_contain_text(said)
        page.get_by_role("button", name="Dismiss").click()
        assert titles(page) == ["Mine"]


def test_hostile_titles_stay_text(page):
    hostile = '<img src=x onerror="window.hacked=1">${window.hacked=1}{{value}}'
    load(page, several([saved(hostile), saved("x", name=f"<b>{hostile}</b>")]))
    expect(page.locator(TITLES)).to_have_text([hostile, f"<b>{hostile}</b>"])
    page.locator(TITLES).first.click()
    expect(page.locator(".typed")).to_have_text(hostile)
    page.get_by_label("Search chats").fill("<img src=y>")
    expect(page.locator("#sidebar .none")).to_contain_text("<img src=y>")
    assert page.evaluate("window.hacked") is None
    assert page.locator("#sidebar img, #sidebar b, #sidebar .toast img").count() == 0


def test_everything_is_reached_with_the_keyboard(page):
    load(page, several([saved("One"), saved("Two")]))
    expect(page.locator(TITLES)).to_have_count(2)
    page.get_by_role("button", name="New chat", exact=True).focus()
    names = []
    for _ in range(8):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate("(e => e.ariaLabel || e.innerText)(document.activeElement)").strip()
        )
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert names == [
        "Search chats",
        *("One", "Rename One", "Delete One"),
        *("Two", "Rename Two", "Delete Two"),
        "Export and import",
    ]
    page.keyboard.press("Enter")
    expect(page.locator("#sidebar .menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sidebar .menu")).to_be_hidden()
    page.get_by_role("button", name="One", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".typed")).to_have_text("One")
    # The list was drawn anew: the focus stays where it was.
    expect(page.get_by_role("button", name="One", exact=True)).to_be_focused()


def test_the_focus_stays_in_the_list_when_a_chat_is_deleted(page):
    load(page, several([saved("One"), saved("Two")]))
    expect(page.locator(TITLES)).to_have_count(2)
    for left in ("Two", "New chat"):
        page.locator("#sidebar .kept").first.get_by_title("Delete", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name=left, exact=True)).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_contrast_is_enough(app, open_page, scheme):
    page = open_page(app.url, scheme=scheme)
    page.wait_for_selector(READY, timeout=60_000)
    chat(page, "Hello!")
    page.evaluate(FILL)
    chat(page, "Is there room?")
    page.get_by_text("Export and import").click()
    ratios = page.evaluate(CONTRASTS)
    assert len(ratios) > 10
    assert {what: ratio for what, ratio in ratios.items() if ratio < 4.5} == {}


def test_a_share_link_recommends_to_export(app, browser):
    """A browser that finds the real application under the name of a share link."""
    flags = [*FLAGS, "--host-resolver-rules=MAP *.gradio.live 127.0.0.1"]
    other = browser.browser_type.launch(executable_path=chromium_path(), args=flags)
    page = other.new_page()
    page.goto(app.url.replace("127.0.0.1", "0123456789abcdef.gradio.live"))
    expect(page.locator("#sidebar .notes")).to_contain_text("share link changes")
    other.close()


def test_on_a_phone_the_sidebar_is_folded(app, open_page):
    page = open_page(app.url, 390, 844)
    page.wait_for_selector(READY, timeout=60_000)
    sidebar, fold = page.locator("#sidebar nav"), page.locator(".fold")
    expect(sidebar).to_be_hidden()
    expect(fold).to_have_attribute("aria-expanded", "false")
    chat(page, "Hello!")

    def opened(close: Callable[[], object]) -> None:
        fold.click()
        expect(sidebar).to_be_visible()
        expect(page.get_by_role("button", name="New chat", exact=True)).to_be_focused()
        close()
        expect(sidebar).to_be_hidden()

    opened(lambda: page.keyboard.press("Escape"))
    expect(fold).to_be_focused()
    opened(lambda: page.mouse.click(380, 400))
    opened(lambda: page.get_by_label("Close the list of chats").click())
    opened(lambda: page.get_by_role("button", name="New chat", exact=True).click())
    expect(page.locator(".turn")).to_have_count(0)
    opened(lambda: page.locator(TITLES).click())
    expect(page.locator(".turn.user .typed")).to_have_text("Hello!")
