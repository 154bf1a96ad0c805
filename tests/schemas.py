"""JSON schemas of the kinds that published suites have, made from a seed: nested objects, arrays,
enums, anyOf, formats, additionalProperties, references and recursion."""

from random import Random
from typing import Any

_NAMES = ["name", "city", "count", "kind", "tags", "when", "note", "size", "items", "owner"]
_WORDS = ["red", "green", "blue", "north", "hay", "tea", "été", 'a "b"', "1", ""]
_FORMATS = ["date", "time", "date-time", "email", "uuid", "ipv4"]
Schema = dict[str, Any]


def schemas(count: int, seed: int = 2026) -> list[Schema]:
    """So many, each an object."""
    rng = Random(seed)
    return [_top(rng, number) for number in range(count)]


def _top(rng: Random, number: int) -> Schema:
    if number % 8 == 7:
        return _recursive(rng)
    schema = _object(rng, depth=1 + number % 3)
    if number % 5 == 4:
        schema["$defs"] = {"part": _object(rng, depth=1)}
        schema["properties"]["part"] = {"$ref": "#/$defs/part"}
        schema["required"].append("part")
    return schema


def _recursive(rng: Random) -> Schema:
    """A tree, or a list whose links may end."""
    value = _leaf(rng)
    if rng.random() < 0.5:
        kids = {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}
        node = _closed({"value": value, "children": kids})
    else:
        node = _closed(
            {"value": value, "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}}
        )
    return {**_closed({"root": {"$ref": "#/$defs/node"}}), "$defs": {"node": node}}


def _object(rng: Random, depth: int) -> Schema:
    names = rng.sample(_NAMES, rng.randint(1, 4))
    made = _closed({name: _value(rng, depth - 1) for name in names})
    if rng.random() < 0.3:
        made["required"] = names[: rng.randint(0, len(names))]
    elif rng.random() < 0.2:  # more of them are counted only where all others are required
        made["additionalProperties"] = {"type": "integer"}
        made["maxProperties"] = len(names) + 1
    return made


def _closed(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _value(rng: Random, depth: int) -> Schema:
    if depth <= 0 or rng.random() < 0.4:
        return _leaf(rng)
    return rng.choice([_object, _array, _any_of])(rng, depth)


def _array(rng: Random, depth: int) -> Schema:
    least = rng.randint(0, 1)
    most = least + rng.randint(1, 2)
    return {
        "type": "array",
        "items": _value(rng, depth - 1),
        "minItems": least,
        "maxItems": most,
    }


def _any_of(rng: Random, depth: int) -> Schema:
    return {"anyOf": [_value(rng, depth - 1), {"type": "null"}, _leaf(rng)]}


def _leaf(rng: Random) -> Schema:
    low = rng.randint(-50, 50)
    return rng.choice(
        [
            {"type": "string", "maxLength": rng.randint(3, 12)},
            {"type": "string", "format": rng.choice(_FORMATS)},
            {"type": "string", "pattern": rng.choice(["^[A-Z]{2}-[0-9]{3}$", "^(yes|no)$"])},
            {"enum": rng.sample([*_WORDS, 5, 2.5, None, True], rng.randint(1, 5))},
            {"const": rng.choice(_WORDS)},
            {"type": "integer", "minimum": low, "maximum": low + rng.randint(0, 900)},
            {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
            {"type": "boolean"},
            {"type": ["integer", "null"], "minimum": 0, "maximum": 99},
        ]
    )
