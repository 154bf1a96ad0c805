"""Choosing another model: offered, downloaded, cancelled, switched to, refused; by whom."""

from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Page, expect

from llama_ui.settings import MODELS
from tests.browser.test_chat import LAST_REPLY, READY, chat
from tests.engine.hub.faults import POCKET, hub_environment
from tests.engine.hub.server import Repo, serving
from tests.smollm2 import smollm2

SLOW = 3_000_000  # bytes a second
# A model of 98 MB is downloaded, checked and loaded, and two applications are started.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def hub():
    with serving({}) as hub:
        yield hub


@pytest.fixture(scope="module")
def local(hub, start_app, tmp_path_factory):
    """The application on one's own machine, with a Hub of its own and a folder of models."""
    home, folder = tmp_path_factory.mktemp("hub"), tmp_path_factory.mktemp("models")
    (folder / "broken.gguf").write_bytes(smollm2().read_bytes()[:3_000_000])
    environment = {**hub_environment(hub.url, home), "HF_HUB_ETAG_TIMEOUT": "60"}
    return start_app("--models", str(folder), **environment)


@pytest.fixture(scope="module")
def shared(start_app):
    """The application as others can reach it."""
    return start_app("--host", "0.0.0.0")


def menu_of(app, **headers: str) -> dict:
    url = f"{app.url}/page/models"
    return httpx.get(url, headers=headers, timeout=60).raise_for_status().json()


def post(app, path: str, body: dict, **headers: str) -> httpx.Response:
    return httpx.post(f"{app.url}/page/models/{path}", json=body, headers=headers, timeout=60)


def open_menu(page: Page):
    page.click("button.badge")
    dialog = page.locator("#models")
    expect(dialog.locator(".answers")).to_be_visible()
    return dialog


def test_the_best_that_fits_is_offered_downloaded_and_answers(local, hub, open_page):
    page = open_page(local.url)
    page.wait_for_selector(READY, timeout=60_000)
    best, *others = menu_of(local)["offers"]
    assert "smollm2" in {choice["id"] for choice in (best, *others)}
    source, _, kind = best["id"].partition(":")
    repo = Repo({f"it.{kind}.gguf": smollm2().read_bytes()}, rate=SLOW)
    assert repo.commit  # computed here, not while somebody waits
    hub.repos[source] = repo
    page.locator(".offered", has_text=best["name"]).click()
    coming = page.locator(".offer .loading-model")
    expect(coming).to_contain_text("of 98 MB")
    # The toy answers meanwhile.
    chat(page, "Hello!")
    dialog = open_menu(page)
    expect(dialog.locator(".loading-model")).to_contain_text("Pocket Llama answers until")
    expect(dialog.get_by_role("button", name="Use SmolLM2")).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog.locator(".loading-model")).to_be_hidden()
    expect(dialog.locator(".fault")).to_have_count(0)
    expect(page.locator(".badge")).to_have_text("Pocket Llama · 4-bit NF4 · CPU · 2,048 tokens")
    hub.repos[source] = replace(repo, rate=0)
    dialog.get_by_role("button", name=f"Download {best['name']}").click()
    expect(page.locator(".badge")).to_contain_text("GGUF", timeout=120_000)
    here = dialog.locator("li", has_text=best["name"])
    expect(here).to_contain_text("Answers now")
    page.keyboard.press("Escape")
    expect(page.locator("button.badge")).to_be_focused()
    # The chat goes on, by the other model.
    chat(page, "Say hello to me.")
    expect(page.locator(".turn.user")).to_have_count(2)
    expect(page.locator(LAST_REPLY)).not_to_be_empty()
    expect(page.locator(".meter")).to_contain_text("8,192")


def test_a_failure_says_why_and_keeps_the_model(local, hub, open_page):
    page = open_page(local.url)
    page.wait_for_selector(READY, timeout=60_000)
    before = page.locator(".badge").text_content()
    dialog = open_menu(page)
    dialog.get_by_label("A model on the Hugging Face Hub").fill("someone/absent-GGUF")
    page.keyboard.press("Enter")
    expect(dialog.locator(".fault")).to_contain_text("There is no model someone/absent-GGUF")
    dialog.get_by_role("button", name="Use broken").click()
    expect(dialog.locator(".fault")).to_contain_text("broken.gguf is damaged", timeout=60_000)
    assert page.locator(".badge").text_content() == before
    # A name that is not in the list, in safetensors.
    hub.repos["someone/pocket"] = Repo(POCKET)
    dialog.get_by_label("A model on the Hugging Face Hub").fill("someone/pocket")
    page.keyboard.press("Enter")
    expect(page.locator(".badge")).to_contain_text("pocket · 4-bit", timeout=60_000)
    expect(dialog.locator("li", has_text="someone/pocket")).to_contain_text("Answers now")
    expect(dialog.locator(".fault")).to_have_count(0)


@pytest.mark.parametrize(
    "asked",
    [
        {"id": "/etc"},
        {"id": str(MODELS["pocket"])},
        {"id": "folder/../../etc"},
        {"id": "someone/else"},
        {"id": None},
        {"hub": str(MODELS["pocket"])},
        {"hub": "assets/pocket-llama"},
        {"hub": "../assets/pocket-llama"},
        {"hub": "a/b:../../etc/passwd"},
        {"hub": "https://example.org/a/b"},
        {"hub": 7},
        {},
    ],
)
def test_a_browser_names_nothing_but_what_is_in_the_list_or_on_the_hub(local, asked):
    answer = post(local, "switch", asked)
    assert answer.status_code == 400
    assert answer.json()["next_step"]
    assert menu_of(local)["may_switch"]


def test_only_this_machine_may_choose(local):
    def status(path: str, **headers: str) -> int:
        return post(local, path, {}, **headers).status_code

    for path in ("switch", "cancel"):
        assert status(path, Origin="https://example.org") == 403
        # A name that was pointed to this machine, and a proxy in front of it.
        assert status(path, Host="example.org", Origin="http://example.org") == 400
        assert status(path, **{"X-Forwarded-For": "192.0.2.1"}) == 400
    assert menu_of(local, Host="example.org") == {"may_switch": False}
    assert menu_of(local, **{"X-Forwarded-For": "192.0.2.1"}) == {"may_switch": False}


def test_a_visitor_of_a_shared_page_sees_the_model_and_cannot_change_it(shared, open_page):
    assert menu_of(shared) == {"may_switch": False}
    for path, body in (("switch", {"id": "pocket"}), ("cancel", {})):
        answer = post(shared, path, body)
        assert answer.status_code == 400
        assert "Only whoever runs this page" in answer.json()["problem"]
    page = open_page(shared.url)
    page.wait_for_selector(READY, timeout=60_000)
    dialog = open_menu(page)
    expect(dialog.locator(".answers")).to_contain_text("4-bit NF4 · CPU · 2,048 tokens")
    expect(dialog.locator(".free")).to_have_text("Whoever runs this page chooses its model.")
    expect(dialog.locator(".choose")).to_have_count(0)
    expect(page.locator(".offer")).to_be_hidden()
