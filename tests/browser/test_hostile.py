"""Hostile messages and replies in a real browser: nothing runs, nothing leaves.

First what our renderers make of every beginning of each, on a bare page where no policy helps;
then through the whole application, with a model that says what it was told.
"""

import pytest
from playwright.sync_api import expect

from llama_ui.web.render.growing import GrowingMarkdown
from llama_ui.web.render.markdown import render_markdown, render_plain
from tests.engine.served.echo import echo_server
from tests.payloads import EVIL, PAYLOADS, RUN
from tests.sizes import SIZE

# Of each family every payload with LLAMA_UI_TEST_SIZE=10; in CI one of ten, another place each.
EVERY = max(1, round(11 / SIZE))
CHOSEN = {family: texts[n % EVERY :: EVERY] for n, (family, texts) in enumerate(PAYLOADS.items())}
BARE = "http://bare.example/"

# Reports whatever a message must not become. Where a message is shown, no element but those of
# Markdown and formulas may stand.
CHECK = """
window.faults = [];
const OURS = new Set(`p br a b i em strong s del code pre div span button h3 h4 h5 h6 ul ol li hr
    blockquote table thead tbody tr th td math mrow mi mo mn mtext mspace mfrac msqrt mroot msub
    msup msubsup mover munder munderover mtable mtr mtd mstyle mpadded mphantom menclose details
    summary dl dt dd`.split(/\\s+/));
const NAMES = new Set(`class dir href title rel target type tabindex role scope start aria-label
    display alttext accent columnalign columnlines displaystyle fence form largeop mathvariant
    movablelimits notation rowlines scriptlevel separator stretchy columnspacing depth height
    linethickness lspace mathsize maxsize minsize rowspacing rspace voffset width`.split(/\\s+/));
window.check = (root) => {
    for (const one of root.querySelectorAll('*')) {
        const within = one.parentElement?.closest('.md, .typed, .note, .steps');
        const names = one.getAttributeNames();
        const report = (what) => window.faults.push(`${what}: ${one.outerHTML.slice(0, 300)}`);
        if (names.some((name) => /^on/i.test(name))) report('a handler');
        if (/^(script|iframe|object|embed|img|base|meta|link|style|form)$/i.test(one.localName))
            report('an element');
        const href = one.getAttribute('href') ?? one.getAttribute('xlink:href');
        if (href !== null && !/^(https?|mailto):$/.test(one.protocol)) report('an address');
        if (!within) continue;
        if (!OURS.has(one.localName)) report('an element');
        if (!names.every((name) => NAMES.has(name))) report('an attribute');
    }
};
window.insert = (box, html) => { box.innerHTML = html; window.check(box); };
// What people do to what they see, short of following a link.
window.touch = (root) => root.querySelectorAll('*:not(a)').forEach((one) => {
    for (const what of ['mouseover', 'focus', 'toggle', 'error', 'load'])
        one.dispatchEvent(new Event(what));
    if (!one.closest('a, [data-act]')) one.dispatchEvent(new MouseEvent('click'));
});
"""


@pytest.fixture
def watched(browser):
    """Watches pages: what they ask for, open and say."""
    contexts, events = [], []

    def watch(context):
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: (events.append(dialog.message), dialog.dismiss()))
        page.on("popup", lambda popup: events.append(popup.url))
        page.on("pageerror", lambda error: events.append(str(error)))
        page.on("request", lambda request: events.append(request.url))
        return page, events

    yield watch
    for context in contexts:
        context.close()


@pytest.fixture
def bare(browser, watched):
    """An empty page without any policy."""
    page, events = watched(browser.new_context())
    page.route("**/*", lambda route: route.fulfill(body="<!doctype html><body>"))
    page.add_init_script(CHECK)
    page.goto(BARE)
    events.clear()
    return page, events


def renderings(text):
    """Every HTML that the server makes of the text while it streams in, and of the whole."""
    growing = GrowingMarkdown()
    states = [html for end in range(1, len(text) + 1) for html in growing.add(text[:end])]
    states += [render_markdown(text), render_plain(text)]
    return [f'<div class="md">{html}</div>' for html in dict.fromkeys(states)]


@pytest.mark.parametrize("family", CHOSEN)
def test_nothing_runs_and_nothing_leaves(bare, family):
    page, events = bare
    for text in CHOSEN[family]:
        page.evaluate(
            """(states) => {
                const box = document.body.appendChild(document.createElement('div'));
                states.forEach((html) => window.insert(box, html));
                // The last three stay, to be touched.
                states.slice(-3).forEach((html) => {
                    const kept = document.body.appendChild(document.createElement('div'));
                    window.insert(kept, html);
                    window.touch(kept);
                });
            }""",
            renderings(text),
        )
        assert page.evaluate("[window.faults, window.__ran ?? 0]") == [[], 0], text
    page.wait_for_timeout(100)
    assert page.evaluate("[window.faults, window.__ran ?? 0]") == [[], 0]
    assert events == []


def test_the_canary_sings(bare):
    """What the test above would see, did our renderers not escape."""
    page, events = bare
    for html in (f"<img src={EVIL}/x onerror={RUN}>", f'<p class="md"><a href="javascript:{RUN}">'):
        page.evaluate("(html) => window.insert(document.body, html)", html)
    assert len(page.evaluate("window.faults")) >= 3
    page.evaluate("document.querySelector('a').click()")
    page.wait_for_function("window.__ran === 1")
    assert events == [f"{EVIL}/x"]


@pytest.fixture(scope="module")
def echo_app(start_app):
    with echo_server() as address:
        yield start_app("--server", address)


def test_it_holds_through_the_whole_application(echo_app, browser, watched):
    """Typed as a message, and streamed as a reply in pieces of 1 to 11 characters."""
    page, events = watched(browser.new_context())
    page.add_init_script(
        CHECK
        + """new MutationObserver(() => {
            for (const pane of document.querySelectorAll('#transcript, #running, #notice'))
                window.check(pane);
        }).observe(document, {childList: true, subtree: true, attributes: true});"""
    )
    page.goto(echo_app.url)
    page.wait_for_selector(".badge.ready", timeout=60_000)
    for n, texts in enumerate(CHOSEN.values()):
        page.fill("#message textarea", "\n\n".join(texts))
        page.press("#message textarea", "Enter")
        replies = page.locator(".turn.assistant:not(.running)")
        expect(replies).to_have_count(n + 1, timeout=60_000)
        expect(page.locator("#send")).to_be_visible(timeout=60_000)
        said = [page.locator(f".turn.{role}").last for role in ("user", "assistant")]
        assert len({turn.get_attribute("data-text") for turn in said}) == 1
    page.evaluate("window.check(document.querySelector('#transcript'))")
    page.reload()  # the chat comes back from the browser's own copy
    expect(page.locator(".turn.assistant")).to_have_count(len(CHOSEN), timeout=60_000)
    page.evaluate("window.touch(document.querySelector('#transcript'))")
    page.wait_for_timeout(100)
    assert page.evaluate("[window.faults, window.__ran ?? 0]") == [[], 0]
    asked = [url for url in events if not url.startswith((echo_app.url, "data:", "blob:"))]
    assert asked == []
