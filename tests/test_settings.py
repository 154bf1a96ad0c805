"""Flags and environment variables."""

import subprocess
import sys

import pytest

from llama_ui.settings import FLAGS, ROOT, VARIABLES, Settings, parse_settings


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
        (["--adapter", ""], {}),
        (["--server", "http://ho st/v1"], {}),
        (["--server", "http://[::1/v1"], {}),
        (["--server", "http://host:port/v1"], {}),
        (["--server", "http:///v1"], {}),
        (["--server", "https://host/v1?key=secret"], {}),
        (["--trusted-proxy", "nginx"], {}),
        (["--check=yes"], {}),
        (["7b"], {}),
    ],
)
def test_wrong_values_end_with_one_line_and_code_2(arguments, environment, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_settings(arguments, environment)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("app.py: ")


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_variable_is_not_set(variable, text, capsys):
    assert parse_settings([], {variable: text}) == Settings()
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LLAMA_UI_MODLE", "LLAMA_UI_MODEL"),
        ("llama_ui_model", "LLAMA_UI_MODEL"),
        ("LLAMA_UI_SEVER_KEY", "LLAMA_UI_SERVER_KEY"),
        ("LLAMA_UI_SOMETHING_ELSE", ""),
    ],
)
def test_an_unknown_variable_is_named_in_one_line(name, meant, capsys):
    assert parse_settings([], {name: "secret"}) == Settings()
    [line] = capsys.readouterr().err.splitlines()
    assert repr(name) in line
    assert (f"did you mean {meant}?" in line) is bool(meant)
    assert "secret" not in line


@pytest.mark.parametrize("around", ["{}", " {}", "{}\n", "\t{}\r\n"])
def test_white_space_around_a_secret_is_none_of_it(around):
    key = "sk-0123456789abcdef"
    environment = {
        "LLAMA_UI_SERVER": around.format("http://gpu/v1"),
        "LLAMA_UI_SERVER_KEY": around.format(key),
        "LLAMA_UI_API_KEY": around.format(key),
        "LLAMA_UI_AUTH": around.format("ann : a b"),
    }
    settings = parse_settings([], environment)
    assert (settings.server_key, settings.api_key) == (key, key)
    # A log-in form takes a password with spaces, and none around a name.
    assert settings.auth_pair == ("ann", " a b")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ([], {"LLAMA_UI_API_KEY": "supersecret\nsupersecret"}),
        ([], {"LLAMA_UI_API_KEY": "s\u00fcpersecret-supersecret"}),
        ([], {"LLAMA_UI_API_KEY": "supersecret supersecret"}),
        ([], {"LLAMA_UI_API_KEY": "supersecret"}),
        (["--server", "http://gpu/v1"], {"LLAMA_UI_SERVER_KEY": "supersecret\r\nX: y"}),
        (["--server", "http://gpu/v1"], {"LLAMA_UI_SERVER_KEY": "supersecret\udcff"}),
        ([], {"LLAMA_UI_SERVER_KEY": "supersecret"}),
        ([], {"LLAMA_UI_AUTH": "ann:supersecret\nline"}),
        ([], {"LLAMA_UI_AUTH": "ann:supersecret\x00"}),
        ([], {"LLAMA_UI_AUTH": "supersecret"}),
        (["--auth", "ann:x", "supersecret"], {}),
        (["--pasword=supersecret"], {}),
        (["--no-auth=supersecret"], {}),
        (["--server", "http://ann:supersecret@gpu/v1"], {}),
        ([], {"LLAMA_UI_PORT": "1", "LLAMA_UI_AUTH": "ann:supersecret", "LLAMA_UI_NO_AUTH": "1"}),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_and_not_shown(arguments, environment, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_settings(arguments, environment)
    assert stopped.value.code == 2
    output = capsys.readouterr()
    [line] = output.err.splitlines()
    assert "supersecret" not in line + output.out


def test_help_names_every_flag_and_needs_no_model():
    done = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for flag in FLAGS:
        assert flag in done.stdout


def test_the_table_in_the_readme_is_the_help():
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if "| `--" in line]
    listed = {line.split("`")[1].split()[0] for line in rows}
    assert listed == set(FLAGS)
