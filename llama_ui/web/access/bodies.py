"""The body of a request: read within its limits, and parsed before anything trusts it."""

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from starlette.types import Receive

# A body has so long, and longer the larger it may be.
_LEAST_S, _BYTES_PER_S = 20.0, 50_000
# Bodies of more than LARGE bytes are in memory at the same time only so often, of all and of one
# network.
LARGE, MOST_LARGE, MOST_LARGE_OF_ONE = 1_000_000, 8, 3
# JSON: objects and lists cost most. Brackets are counted first: a string may have many.
_MOST_BRACKETS, _MOST_VALUES, _MOST_CALL_VALUES, _DEEPEST = 2_000_000, 1_000_000, 50_000, 60
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)
# To read what is small takes less than to hand it over. What is larger holds up all other threads,
# the event loop's too, so one thread reads it, one thing after another.
_SMALL = 20_000  # bytes
_reader = ThreadPoolExecutor(1, "reads-bodies")
_Result = TypeVar("_Result")


class BodyError(Exception):
    """A body that is not taken.

    Args:
        status: of the answer.
        reason: one sentence, without anything of the body in it.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Bodies:
    """Reads bodies; knows how many large ones are being read, for each network."""

    def __init__(self) -> None:
        self._large: Counter[str] = Counter()

    async def read(self, receive: Receive, largest: int, near: str = "") -> bytes:
        """The whole body.

        Args:
            receive: of the request.
            largest: bytes that it may have.
            near: the network that it comes from.

        Raises:
            BodyError: it is too large or too slow, or the visitor has left.
        """
        try:
            return await asyncio.wait_for(
                self._read(receive, largest, near), _LEAST_S + largest / _BYTES_PER_S
            )
        except asyncio.TimeoutError:
            raise BodyError(408, "The request did not arrive in time.") from None

    async def _read(self, receive: Receive, largest: int, near: str) -> bytes:
        body, is_large = bytearray(), False
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyError(400, "The request has no end.")
                body += message.get("body", b"")
                if len(body) > largest:
                    raise BodyError(413, "This is more than the page takes.")
                if not is_large and len(body) > LARGE:
                    is_full = self._large.total() >= MOST_LARGE
                    if is_full or self._large[near] >= MOST_LARGE_OF_ONE:
                        raise BodyError(503, "Too many large requests at once. Try again.")
                    self._large[near] += 1
                    is_large = True
                if not message.get("more_body", False):
                    return bytes(body)
        finally:
            if is_large:
                self._large[near] -= 1
                self._large += Counter()  # without those that are zero


async def read_aside(size: int, read: Callable[..., _Result], *arguments: object) -> _Result:
    """Make sense of a body without holding up the event loop; raises what `read` raises.

    Args:
        size: of the body, in bytes.
        read: called with the arguments.
    """
    if size <= _SMALL:
        return read(*arguments)
    return await asyncio.get_running_loop().run_in_executor(_reader, read, *arguments)


async def parse_json(body: bytes) -> Any:
    """The value of a JSON text, parsed beside the event loop.

    Raises:
        BodyError: it is no JSON, or no JSON that can be written again: NaN, numbers beyond 64 bits
            and half characters are not; or it is nested too deeply or has too many values.
    """
    return await read_aside(len(body), _parsed, body, _MOST_VALUES)


async def check_values(body: bytes) -> None:
    """Refuse a JSON text with more values than a call has; what is no JSON passes.

    Raises:
        BodyError: there are too many.
    """
    try:
        await read_aside(len(body), _parsed, body, _MOST_CALL_VALUES)
    except BodyError as fault:
        if fault.status == 413:
            raise


def check_brackets(body: bytes) -> None:
    """Refuse what would take a JSON parser long, at the price of a search.

    Raises:
        BodyError: there are too many lists and objects.
    """
    if body.count(b"[") + body.count(b"{") > _MOST_BRACKETS:
        raise BodyError(413, "The request has too many values.")


def _parsed(body: bytes, most: int) -> Any:
    # The parser holds all other threads: it must not be given what takes it long.
    check_brackets(body)
    try:
        value = json.loads(body, parse_constant=_refuse, parse_float=_finite, parse_int=_small)
        _measure(value, most)
        if _HALF_CHARACTER.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise BodyError(400, "The request is no JSON that can be read.") from None
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError
    return number


def _small(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (number := int(text)) < 2**63:
        raise ValueError
    return number


def _measure(value: Any, most: int) -> None:
    """Raises ValueError if there are too many lists and objects, or one in another too often."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for item in level:
            parts: Iterable[Any] = item.values() if isinstance(item, dict) else item
            if isinstance(item, (dict, list)):
                inner += [part for part in parts if isinstance(part, (dict, list))]
        most -= len(inner)
        if most < 0:
            raise BodyError(413, "The request has too many values.")
        level = inner
        if not level:
            return
    raise ValueError


@dataclass(frozen=True)
class GradioFunctions:
    """What may be called through Gradio: whatever does not fit a function never reaches it, for
    Gradio prints the inputs of a call that it cannot make.

    Args:
        inputs: how many each function takes, by its number.
        names: the numbers of those that have a name.
    """

    inputs: Mapping[int, int]
    names: Mapping[str, int]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "GradioFunctions":
        """Those in the configuration that Gradio publishes (`Blocks.get_config_file`)."""
        functions = [f for f in config["dependencies"] if f["backend_fn"]]
        return cls(
            {f["id"]: len(f["inputs"]) for f in functions},
            {f["api_name"]: f["id"] for f in functions if f["api_name"]},
        )

    async def event(self, path: str, body: bytes) -> tuple[str | None, bytes]:
        """Check the body of a call.

        Returns:
            The session that it belongs to, and a body with nothing in it that Gradio does not need.

        Raises:
            BodyError: it fits no function.
        """
        parts = path.strip("/").split("/")
        return await read_aside(len(body), self._event, parts, body)

    def _event(self, parts: list[str], body: bytes) -> tuple[str | None, bytes]:
        value = _parsed(body, _MOST_CALL_VALUES)
        if not isinstance(value, dict):
            raise BodyError(422, "The call is no object.")
        session = value.get("session_hash")
        if session is not None and not (isinstance(session, str) and SESSION.fullmatch(session)):
            raise BodyError(422, "The session_hash is none.")
        call: dict[str, Any] = {} if session is None else {"session_hash": session}
        number = value.get("fn_index")
        if parts[1] == "call":
            number = self.names.get(parts[2])
        else:
            call["fn_index"] = number
        if isinstance(number, bool) or not isinstance(number, int) or number not in self.inputs:
            raise BodyError(422, "There is no such function.")
        if parts[1] == "cancel":
            event = value.get("event_id")
            if session is None or not (isinstance(event, str) and SESSION.fullmatch(event)):
                raise BodyError(422, "There is no such event.")
            return session, json.dumps({**call, "event_id": event}).encode()
        data, trigger = value.get("data"), value.get("trigger_id")
        if not isinstance(data, list) or len(data) != self.inputs[number]:
            raise BodyError(422, f"data is no list of {self.inputs[number]} values.")
        if trigger is not None and not isinstance(trigger, int):
            raise BodyError(422, "The trigger_id is no number.")
        call |= {"data": data, "trigger_id": trigger, "event_data": value.get("event_data")}
        return session, json.dumps(call, ensure_ascii=False).encode()
