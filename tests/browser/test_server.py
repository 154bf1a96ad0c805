"""The page of a model on another server: what that server cannot do is greyed, with the reason."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_chat import chat, open_options
from tests.engine.served.echo import echo_server


@pytest.fixture(scope="module")
def picky_app(start_app):
    with echo_server(rejected="top_k") as address:
        yield start_app("--server", address)


def test_what_the_server_does_not_take_is_greyed_once_it_is_known(picky_app, open_page):
    page = open_page(picky_app.url)
    page.wait_for_selector(".badge.ready", timeout=60_000)
    open_options(page)
    for slider in ("temperature", "top_k"):
        expect(page.locator(f"#option-{slider} input[type=range]")).to_be_enabled()
    assert chat(page, "Hello!") == "Hello!"
    expect(page.locator("#option-top_k input[type=range]")).to_be_disabled()
    expect(page.locator("#option-top_k")).to_contain_text(
        "does not take it: Unknown parameter: top_k"
    )
    expect(page.locator("#option-temperature input[type=range]")).to_be_enabled()
    # The next page is told at once.
    page.reload()
    expect(page.locator("#option-top_k input[type=range]")).to_be_disabled()


def test_what_no_server_can_do_is_not_offered(picky_app, open_page):
    page = open_page(picky_app.url)
    page.wait_for_selector(".badge.ready", timeout=60_000)
    expect(page.locator("#show-prompt")).to_be_hidden()
    expect(page.locator("#meter")).to_have_text("")
    open_options(page)
    expect(page.locator("#option-top_logprobs input")).to_be_disabled()
    expect(page.locator("#option-top_logprobs")).to_contain_text("its tokens are not known here")
    chat(page, "Hello!")
    for act in ("retry", "replay"):
        expect(page.locator(f'.turn.assistant [data-act="{act}"]')).to_have_count(1)
    expect(page.locator('[data-act="prompt"]')).to_have_count(0)
