"""The process in which an answer form is tried first: a hostile one ends this one and no other.

It reads a JSON object of Trial and answers with one of Verdict. It imports nothing of the
application.
"""

import json
import sys
from collections.abc import Iterator
from random import Random
from typing import Any, TypedDict

import llguidance

_STEPS = 100
_IN_PLACE = ("not", "if", "then", "else", "items", "additionalProperties", "contains")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs", "definitions")


class Trial(TypedDict):
    """A grammar, and the schema that is in it, if there is one."""

    grammar: str
    schema: dict[str, Any] | None


class _Bytes:
    """A tokenizer whose tokens are the bytes."""

    eos_token_id = 256
    bos_token_id = None
    tokens = (*(bytes([byte]) for byte in range(256)), b"<end>")
    special_token_ids = (256,)

    def __call__(self, text: bytes) -> list[int]:
        return [*text]


class Verdict(TypedDict):
    """What is wrong with it, empty where nothing is, and at which place of the schema."""

    fault: str
    place: str


def limits() -> llguidance.LLParserLimits:
    """How much work a grammar may make."""
    return llguidance.LLParserLimits(
        initial_lexer_fuel=500_000,
        step_lexer_fuel=100_000,
        step_max_items=20_000,
        max_lexer_states=50_000,
        max_grammar_size=100_000,
        verbose_errors=False,
    )


def main() -> None:
    trial: Trial = json.load(sys.stdin)
    schema, place = trial["schema"], ""
    fault = _fault(trial["grammar"]) or _tried(trial["grammar"])
    if fault and schema is not None:
        place, fault = _culprit(schema, schema, "#", fault)
    verdict: Verdict = {"fault": fault, "place": place}
    json.dump(verdict, sys.stdout)


def _fault(grammar: str) -> str:
    found = llguidance.LLMatcher.validate_grammar(grammar, None, limits=limits())
    return str(found)


def _tried(grammar: str) -> str:
    """Walk a little way: some that compile take for ever then."""
    matcher = llguidance.LLMatcher(
        llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Bytes())),
        grammar,
        log_level=0,
        limits=limits(),
    )
    chosen = Random(1)
    for _ in range(_STEPS):
        mask = int.from_bytes(matcher.compute_bitmask(), "little")
        if matcher.is_error() or matcher.is_stopped():
            break
        matcher.consume_token(chosen.choice([n for n in range(257) if mask >> n & 1]))
    return str(matcher.get_error())


def _culprit(schema: dict[str, Any], root: dict[str, Any], at: str, fault: str) -> tuple[str, str]:
    """The innermost part of a schema that has a fault by itself, and the fault."""
    for where, part in _parts(schema):
        named: dict[str, Any] = {
            name: root[name] for name in ("$defs", "definitions") if name in root
        }
        alone = {**named, **part}
        found = _fault(llguidance.LLMatcher.grammar_from_json_schema(json.dumps(alone)))
        if found and "#" not in found:  # a reference that leads elsewhere now says nothing
            return _culprit(part, root, f"{at}/{where}", found)
    return at, fault


def _parts(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas within a schema, each with its place."""
    for name, value in schema.items():
        if name in _IN_PLACE and isinstance(value, dict):
            yield name, value
        elif name in _LISTS and isinstance(value, list):
            yield from (
                (f"{name}/{n}", part) for n, part in enumerate(value) if isinstance(part, dict)
            )
        elif name in _NAMED and isinstance(value, dict):
            yield from (
                (f"{name}/{n}", part) for n, part in value.items() if isinstance(part, dict)
            )


if __name__ == "__main__":
    main()
