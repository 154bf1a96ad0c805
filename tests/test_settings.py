"""Flags and environment variables."""

import subprocess
import sys
from dataclasses import fields

import pytest

from llama_ui.settings import ROOT, Settings, parse_settings


def test_defaults_bind_to_this_machine_only():
    settings = parse_settings([], {})
    assert settings.host == "127.0.0.1"
    assert not settings.share
    assert not settings.is_public


def test_a_flag_wins_over_its_variable_and_that_over_the_default():
    environment = {"LLAMA_UI_PORT": "8000", "LLAMA_UI_MAX_NEW_TOKENS": "99"}
    settings = parse_settings(["--port", "9000"], environment)
    assert (settings.port, settings.max_new_tokens) == (9000, 99)


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("TRUE", True), ("no", False), ("0", False)]
)
def test_switches_in_the_environment(text, value):
    assert parse_settings([], {"LLAMA_UI_SHARE": text}).share is value


def test_a_switch_can_be_turned_off_again():
    assert not parse_settings(["--no-share"], {"LLAMA_UI_SHARE": "1"}).share


def test_short_names_stand_for_llama_2():
    assert parse_settings(["--model", "13B"], {}).model_source == "meta-llama/Llama-2-13b-chat-hf"
    assert parse_settings(["--model", "me/mine"], {}).model_source == "me/mine"


def test_a_space_is_reached_from_outside_its_container():
    assert parse_settings([], {"SPACE_ID": "me/space"}).host == "0.0.0.0"
    assert parse_settings(["--host", "::1"], {"SPACE_ID": "me/space"}).host == "::1"


@pytest.mark.parametrize(
    ("host", "public"), [("0.0.0.0", True), ("localhost", False), ("::1", False)]
)
def test_a_public_address_is_known_as_one(host, public):
    assert Settings(host=host).is_public is public


def test_the_password_is_not_shown():
    settings = parse_settings(["--auth", "ann:a:secret"], {})
    assert settings.auth_pair == ("ann", "a:secret")
    assert "secret" not in repr(settings)


def test_a_server_takes_the_place_of_the_model():
    settings = parse_settings(
        ["--server", "http://gpu:8000/v1"], {"LLAMA_UI_SERVER_KEY": "sk-secret"}
    )
    assert settings.model_label == "The server at gpu:8000"
    assert "sk-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--port", "0"], {}),
        (["--port", "70000"], {}),
        (["--port", "x"], {}),
        (["--context", "3"], {}),
        (["--max-new-tokens", "0"], {}),
        (["--max-waiting", "0"], {}),
        (["--auth", "nobody"], {}),
        (["--auth", ":x"], {}),
        (["--model", " "], {}),
        (["--server", "localhost:8000"], {}),
        (["--server", "file:///etc/passwd"], {}),
        (["--server", "http://user:secret@host/v1"], {}),
        (["--server", "http://host:99999/v1"], {}),
        (["--server-model", "x"], {}),
        (["--colour", "red"], {}),
        (["--mod", "7b"], {}),
        ([], {"LLAMA_UI_PORT": "many"}),
        ([], {"LLAMA_UI_PORT": "--5"}),
        ([], {"LLAMA_UI_PORT": "\u00b2"}),
        ([], {"LLAMA_UI_SHARE": "maybe"}),
    ],
)
def test_wrong_values_end_with_one_line_and_code_2(arguments, environment, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_settings(arguments, environment)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("app.py: ")


def test_help_names_every_flag_and_needs_no_model():
    done = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for option in fields(Settings):
        assert "--" + option.name.replace("_", "-") in done.stdout


def test_the_table_in_the_readme_is_the_help():
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if "| `--" in line]
    listed = {line.split("`")[1].split()[0] for line in rows}
    assert listed == {"--" + option.name.replace("_", "-") for option in fields(Settings)}
