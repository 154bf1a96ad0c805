"""What may go wrong between a click and its answer: nothing that was typed or said is lost."""

from playwright.sync_api import expect

from tests.browser.test_chat import READY, chat, send, wait_until_idle

BOX = "#message textarea"


def test_a_browser_that_does_not_say_when_it_is_idle(app, browser):
    """Safari, on every iPhone."""
    context = browser.new_context()
    context.add_init_script("delete window.requestIdleCallback; delete window.cancelIdleCallback")
    page = context.new_page()
    page.goto(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    expect(page.locator(".example").first).to_be_visible()
    chat(page, "Hello!")
    # Two changes at once: the second begins with what the first has left.
    chat(page, "What is a llama?")
    pins = page.locator('#transcript [data-act="pin"]')
    pins.evaluate_all("all => all.forEach(pin => pin.click())")
    expect(page.locator("#transcript .tool.pinned")).to_have_count(2)
    # An answer that ends before it begins: a proxy's page, a server that is going down.
    page.route("**/page/turn", lambda route: route.fulfill(body=""))
    send(page, "Are you there?")
    expect(page.locator("#notice .fault")).to_contain_text("connection to the server broke")
    expect(page.locator(BOX)).to_have_value("Are you there?")
    context.close()


def test_a_stop_before_the_turn_has_arrived_stops_it(endless_page):
    held = []
    endless_page.route("**/page/turn", lambda route: held.append(route))
    send(endless_page, "Tell me a long story about a llama.")
    with endless_page.expect_response("**/page/stop"):
        endless_page.keyboard.press("Escape")
    held.pop().continue_()
    wait_until_idle(endless_page)
    expect(endless_page.locator(".note")).to_have_text("Stopped.")


def test_what_is_typed_into_an_editor_stays_when_the_reply_ends(endless_page):
    send(endless_page, "Tell me a long story about a llama.")
    expect(endless_page.locator("#running .md")).to_be_visible(timeout=60_000)
    endless_page.locator(BOX).press("ArrowUp")
    editor = endless_page.locator(".editor textarea")
    editor.fill("Tell me a short one.")
    endless_page.click("#stop")
    wait_until_idle(endless_page)
    expect(editor).to_have_value("Tell me a short one.")
    # Nor is it the reply that goes on which is lost while nothing has come of the rest.
    endless_page.keyboard.press("Escape")
    said = endless_page.locator(".turn.assistant .md").inner_text()
    endless_page.locator('[data-act="continue"]').click()
    endless_page.reload()
    endless_page.wait_for_selector(READY, timeout=60_000)
    kept = endless_page.locator(".turn.assistant .md").inner_text()
    assert kept.startswith(said[: len(said) // 2])
