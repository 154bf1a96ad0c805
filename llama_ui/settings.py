"""Settings: every flag and environment variable, validated once."""

import argparse
import contextlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin
from urllib.parse import urlsplit

from llama_ui.chat.sampling import LIMITS, Sampling
from llama_ui.errors import OptionError

ENVIRONMENT_PREFIX = "LLAMA_UI_"
ROOT = Path(__file__).resolve().parent.parent
MODELS = {
    "pocket": str(ROOT / "assets" / "pocket-llama"),
    "7b": "meta-llama/Llama-2-7b-chat-hf",
    "13b": "meta-llama/Llama-2-13b-chat-hf",
    "70b": "meta-llama/Llama-2-70b-chat-hf",
}
Quantization = Literal["4bit", "8bit", "none"]
KVCacheKind = Literal["16bit", "8bit"]
Rope = Literal["linear", "dynamic", "yarn"]
_OF_MODEL = {"model", "revision", "quantization", "kv_cache", "context", "rope", "adapter"}
MIN_KEY_CHARS = 16
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def _flag(default: Any, help: str, metavar: str | None = None, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"help": help, "metavar": metavar})


@dataclass(frozen=True)
class Settings:
    """What the operator chose; the fields are the flags (`--max-new-tokens`) and the environment
    variables (`LLAMA_UI_MAX_NEW_TOKENS`) of the application.

    Raises:
        OptionError: a value is not possible.
    """

    model: str = _flag(
        "pocket",
        "pocket (bundled, any CPU), 7b, 13b, 70b (Llama 2 chat), a Hugging Face id, or a folder",
        "NAME",
    )
    revision: str | None = _flag(
        None, "branch, tag or commit of a model on the Hub; without it its main branch"
    )
    quantization: Quantization = _flag(
        "4bit", "how weights that are not quantised yet are held: 4bit, 8bit or none", "KIND"
    )
    kv_cache: KVCacheKind = _flag(
        "16bit", "how keys and values of chats are held: 16bit or 8bit, half the memory", "KIND"
    )
    context: int | None = _flag(
        None, "context window in tokens; without it what the model was trained for", "TOKENS"
    )
    rope: Rope | None = _flag(
        None,
        "stretch a context longer than the model was trained for: linear, dynamic or yarn",
        "KIND",
    )
    adapter: str | None = _flag(
        None, "a LoRA adapter to put on the model, a folder or a Hugging Face id", "NAME"
    )
    max_new_tokens: int = _flag(
        Sampling().max_new_tokens, "longest reply in tokens when the page opens", "TOKENS"
    )
    system_prompt: str = _flag(
        "", "system prompt that the page opens with; shared between visitors", "TEXT"
    )
    server: str | None = _flag(
        None,
        "use the model on a server that speaks OpenAI's protocol (vLLM, TGI, llama.cpp, ...), for "
        "example http://127.0.0.1:8000/v1; none is loaded here",
        "URL",
    )
    server_model: str | None = _flag(
        None, "which model to ask that server for; without it the first that it names", "NAME"
    )
    server_key: str | None = _flag(
        None, "key that the server wants; safer as an environment variable", "KEY", True
    )
    slots: int | None = _flag(
        None, "how many replies run at once; without it 4 on a CPU, what fits on a GPU", "N"
    )
    max_waiting: int = _flag(32, "how many requests may wait in line; more are refused", "N")
    host: str = _flag("127.0.0.1", "address to listen on; 0.0.0.0 lets other machines in")
    port: int | None = _flag(None, "port to listen on; without it 7860 or the next free one")
    share: bool = _flag(False, "open a temporary public link")
    auth: str | None = _flag(
        None, "ask visitors to log in; safer as an environment variable", "USER:PASSWORD", True
    )
    no_auth: bool = _flag(False, "let anybody who has the public link in, without a password")
    api_key: str | None = _flag(
        None, "let programs elsewhere call /v1 and /metrics with this key", "KEY", True
    )
    trusted_proxy: str | None = _flag(
        None, "address of a proxy whose X-Forwarded-For says who the visitor is", "ADDRESS"
    )
    requests_per_minute: int | None = _flag(
        None, "requests that one visitor may send; 30 on a shared page, 15 on a Space", "N"
    )
    tokens_per_day: int | None = _flag(
        None, "tokens that one visitor may use; 500,000 on a shared page, 100,000 on a Space", "N"
    )
    browser: bool = _flag(True, "open the page in a browser, when started from a terminal")
    check: bool = _flag(False, "say whether everything is ready for the model, and end")
    json: bool = _flag(False, "with --check: as JSON, for machines")

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise OptionError("--model is empty.", "Name a model, for example --model 7b.")
        _check_server(self.server)
        if self.server is None and (self.server_model or self.server_key):
            raise OptionError("A server's model or key needs a server.", "Add --server URL.")
        if self.revision is not None and not self.revision.strip():
            raise OptionError("--revision is empty.", "Leave it out for the main branch.")
        if self.json and not self.check:
            raise OptionError("--json belongs to --check.", "Add --check.")
        _check_choice("quantization", self.quantization, Quantization)
        _check_choice("kv_cache", self.kv_cache, KVCacheKind)
        _check_choice("rope", self.rope, Rope | None)
        if self.rope is not None and self.context is None:
            raise OptionError("--rope stretches the context.", "Say how far with --context TOKENS.")
        _check_range("port", self.port, 1, 65535)
        _check_range("context", self.context, 64, 1_048_576)
        low, high = LIMITS["max_new_tokens"]
        _check_range("max-new-tokens", self.max_new_tokens, int(low), int(high))
        _check_range("slots", self.slots, 1, 256)
        _check_range("max-waiting", self.max_waiting, 1, 10_000)
        _check_range("requests-per-minute", self.requests_per_minute, 1, 1_000_000)
        _check_range("tokens-per-day", self.tokens_per_day, 1, 10**12)
        if self.api_key is not None and len(self.api_key) < MIN_KEY_CHARS:
            raise OptionError(
                "--api-key is too short to be a secret.", f"Use {MIN_KEY_CHARS} characters or more."
            )
        if self.auth is not None and self.no_auth:
            raise OptionError("--auth and --no-auth contradict each other.", "Leave one out.")
        if self.auth is not None and not all(self.auth.partition(":")):
            raise OptionError("--auth needs a name and a password.", "Write USER:PASSWORD.")

    @property
    def model_source(self) -> str:
        """The folder or Hub id that the model name stands for."""
        return MODELS.get(self.model.lower(), self.model)

    @property
    def model_label(self) -> str:
        """The model as people say it, known before anything is loaded."""
        if self.server is not None:
            return f"The server at {urlsplit(self.server).netloc}"
        if self.model_source == MODELS["pocket"]:
            return "Pocket Llama"
        return Path(self.model_source).name

    def with_pocket_llama(self) -> "Settings":
        """The same with the bundled model, which runs anywhere, and nothing put on it."""
        options = (option for option in fields(self) if option.name in _OF_MODEL)
        plain: dict[str, Any] = {option.name: option.default for option in options}
        return replace(self, **plain)

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
        return self.share or not _is_loopback(self.host)


def _check_range(flag: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise OptionError(
            f"--{flag} cannot be {value:,}.", f"Choose a whole number from {low:,} to {high:,}."
        )


def _check_server(address: str | None) -> None:
    if address is None:
        return
    with contextlib.suppress(ValueError):
        parts = urlsplit(address)
        is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
        # Asking for the port also checks it.
        if parts.scheme in ("http", "https") and parts.hostname and is_plain and parts.port != 0:
            return
    raise OptionError(
        "--server is no plain web address.", "Write it like http://127.0.0.1:8000/v1."
    )


def _check_choice(flag: str, value: str | None, annotation: Any) -> None:
    choices = _choices(annotation)
    if value is not None and value not in choices:
        raise OptionError(f"--{flag} cannot be {value[:40]!r}.", f"Choose {' or '.join(choices)}.")


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of a Literal, also of an optional one; nothing for any other type."""
    kinds = (annotation, *get_args(annotation))
    return next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the settings: a flag wins over its environment variable, that over the default.

    A wrong value ends the program with one line on standard error and exit code 2; `--help`
    ends it with exit code 0.
    """
    parser = build_parser()
    given = vars(parser.parse_args(arguments))
    values: dict[str, Any] = {}
    try:
        # A Space reaches the application from outside its container.
        if "SPACE_ID" in environment:
            values["host"] = "0.0.0.0"
        for option in fields(Settings):
            variable = ENVIRONMENT_PREFIX + option.name.upper()
            if given[option.name] is not None:
                values[option.name] = given[option.name]
            elif variable in environment:
                values[option.name] = _from_environment(variable, environment[variable], option)
        return Settings(**values)
    except OptionError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage of all flags around it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser whose flags are the fields of Settings."""
    parser = _Parser(
        prog="app.py",
        description="Llama UI: chat with Llama 2 and its relatives in the browser. Without any "
        "flag it runs Pocket Llama, a small model that comes with it.",
        epilog="Each flag can also be set as an environment variable: --max-new-tokens 256 is "
        f"{ENVIRONMENT_PREFIX}MAX_NEW_TOKENS=256. Llama 2 needs access: accept Meta's licence "
        "on its Hugging Face page, then run `hf auth login`.",
        allow_abbrev=False,
    )
    for option in fields(Settings):
        name = "--" + option.name.replace("_", "-")
        text, kind = _help_text(option), _kind(option)
        if kind is bool:
            is_no = name.startswith("--no-")
            action = "store_true" if is_no else argparse.BooleanOptionalAction
            parser.add_argument(name, action=action, default=None, help=text)
        else:
            metavar = option.metadata["metavar"] or option.name.upper()
            parser.add_argument(name, type=kind, default=None, help=text, metavar=metavar)
    return parser


def _help_text(option: Field[Any]) -> str:
    shown = option.default not in (None, "") and not isinstance(option.default, bool)
    text: str = option.metadata["help"]
    return f"{text} (default: {option.default})" if shown else text


def _kind(option: Field[Any]) -> type:
    annotation = option.type
    for kind in (bool, int, str):
        if annotation in (kind, kind | None):
            return kind
    if _choices(annotation):
        return str
    raise TypeError(f"no flag can hold a {annotation}")


def _from_environment(variable: str, text: str, option: Field[Any]) -> Any:
    kind = _kind(option)
    if kind is str:
        return text
    if kind is bool and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if kind is int:
        with contextlib.suppress(ValueError):
            return int(text)
    wanted = "1 or 0" if kind is bool else "a whole number"
    raise OptionError(f"{variable} cannot be {text[:40]!r}.", f"Set it to {wanted}.")
