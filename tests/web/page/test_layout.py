"""The layout as Gradio serves it: what calls the server, and what a person may set."""

import pytest

from llama_ui.chat.options import OPTIONS, form_of
from llama_ui.web.page.presets import EXAMPLES, SAMPLINGS
from tests.conftest import App


@pytest.fixture(scope="module")
def config(app: App) -> dict:
    import httpx

    return httpx.get(f"{app.url}/config").json()


@pytest.fixture(scope="module")
def named(config) -> dict:
    """The properties of the components, by their id in HTML."""
    return {c["props"].get("elem_id"): c["props"] for c in config["components"]}


def test_no_event_of_the_page_calls_the_server(config):
    """Scripts call the routes of the page instead: Gradio would keep a copy of what it sends."""
    asking = [event for event in config["dependencies"] if event["backend_fn"]]
    assert {event["api_name"] for event in asking} == {"chat", "prompt"}
    for event in config["dependencies"]:
        if not event["backend_fn"]:
            assert event["js"], event
            assert event["api_visibility"] == "private", event
            assert not event["queue"], event


def test_nothing_of_the_page_sends_while_somebody_types(config):
    for event in config["dependencies"]:
        if event["backend_fn"]:
            assert event["targets"] == [], event


def test_every_option_has_a_control_that_shows_its_default(config, named):
    for option in OPTIONS:
        control = named[f"option-{option.name}"]
        assert (control["label"], control["info"]) == (option.label, option.help)
        if option.kind in ("number", "whole") and not option.empty and option.on is None:
            assert (control["minimum"], control["maximum"]) == (option.low, option.high)
    ids = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
    events = [event for event in config["dependencies"] if "hearOptions" in (event["js"] or "")]
    controls = sorted(ids[f"option-{option.name}"] for option in OPTIONS)
    assert [sorted(event["inputs"]) for event in events] == [controls]


def test_the_page_gets_what_its_scripts_start_with(named):
    first = named["shell"]["value"]
    assert [row["name"] for row in first["rows"]] == [option.name for option in OPTIONS]
    assert set(first["options"]) == {option.name for option in OPTIONS}
    assert first["examples"] == EXAMPLES
    for name, control in first["options"].items():
        assert named[f"option-{name}"]["value"] == control


def test_samplings_name_options_and_their_values_are_allowed():
    from llama_ui.chat.options import options_from_form

    for values in SAMPLINGS.values():
        form = form_of(options_from_form(values))
        assert {name: form[name] for name in values} == values


def test_every_script_and_style_of_the_page_is_served(app):
    import httpx

    from llama_ui.web.page.theme import SCRIPTS

    scripts = sorted(SCRIPTS.glob("*.js"))
    assert scripts
    for path in scripts:
        answer = httpx.get(f"{app.url}/scripts/{path.name}")
        assert answer.status_code == 200
        assert "javascript" in answer.headers["content-type"]
        assert answer.text == path.read_text(encoding="utf-8")
    assert httpx.get(f"{app.url}/scripts/../css/style.css").status_code == 404
