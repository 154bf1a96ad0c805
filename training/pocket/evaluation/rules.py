"""The rules of the evaluation: does a reply contain, lack and look like what it should?"""

from __future__ import annotations

import ast
import json
import math
import operator
import re

from .cases import Turn

# Saying that something is outside its world; a pointer elsewhere is asked for where it matters.
DECLINES = (
    r"(larger|bigger) (model|llama|one)|\b(7b|13b|70b)\b|llama 2|n't know|do not know|can't|cannot"
    r"|not (able|something i|a thing i|my|in my|sure)|beyond|outside|too (big|hard|small|much)"
    r"|n't (help|tell|learn|do|have|speak|write)|never learned|no (clock|calendar|idea|doctor)"
)


def judge(turn: Turn, text: str) -> bool:
    """Whether a reply keeps the rules of its turn."""
    found = all(re.search(p, text, re.IGNORECASE) for p in turn.has)
    clean = not any(re.search(p, text, re.IGNORECASE) for p in turn.lacks)
    return bool(text) and found and clean and has_form(turn.form, text)


def loops(text: str) -> bool:
    """Whether one to twelve words come four times in a row, at least six words in all."""
    words = text.lower().split()
    for size in range(1, 13):
        for start in range(len(words) - 4 * size + 1):
            part = words[start : start + size]
            if size * 4 >= 6 and all(
                words[start + n * size : start + (n + 1) * size] == part for n in (1, 2, 3)
            ):
                return True
    return bool(re.search(r"(.{1,4})\1{24,}", text))


def has_form(form: str, text: str) -> bool:
    """Whether a reply has the form that a turn asks for; the names are those of the text files."""
    kind, _, value = form.partition(":")
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    items = [line for line in lines if re.match(r"([-*•]|\d+[.)]) ?\S", line)]
    sentences = re.findall(r"[.!?]+(?=[\s\"')]|$)", text)
    match kind:
        case "" | "ended":
            return True
        case "one_word":
            return len(text.split()) == 1
        case "one_sentence":
            return len(sentences) <= 1 and len(lines) == 1
        case "short":
            return len(text) < 160
        case "three_lines":
            return len(lines) == 3
        case "line_count":
            return len(lines) == int(value)
        case "lines":
            return len(lines) >= 2
        case "lines_or_rhyme":
            return len(lines) >= 2 or len(sentences) >= 2 or text.count(",") >= 1
        case "upper" | "lower":
            plain = re.sub(r"`[^`]*`|--\S+", "", text)
            as_asked = plain.upper() if kind == "upper" else plain.lower()
            return plain == as_asked and any(c.isalpha() for c in plain)
        case "starts":
            return text.startswith(value)
        case "ends":
            return text.endswith(value)
        case "tail":
            return re.sub(r"\W+$", "", text.lower()).endswith(value.lower())
        case "emoji":
            return any(ord(c) > 0x2190 for c in text)
        case "bullets":
            return len(items) >= 2
        case "items":
            return len(items) == int(value)
        case "numbered":
            numbers = [re.match(r"(\d+)[.)]", line) for line in lines]
            return [int(n[1]) for n in numbers if n] == list(range(1, int(value) + 1))
        case "json":
            return _is_json(text, value.split(",") if value else [])
        case "story":
            return len(text.split()) >= 30
        case "declines":
            return bool(re.search(DECLINES, text.replace("’", "'"), re.IGNORECASE))  # noqa: RUF001
        case "sum":
            return _right_or_declined(text, float(value))
        case "count":
            return re.findall(r"\d+", _digits(text)) == value.split(",")
        case "calculates":
            return _calculates(text, float(value))
        case "final":
            return _final(text, value)
    raise ValueError(f"unknown form {form!r}")


def _is_json(text: str, keys: list[str]) -> bool:
    """One object (a fence around it is allowed), with exactly these keys if any are named."""
    try:
        read = json.loads(re.sub(r"^```(json)?\s*|\s*```$", "", text))
    except ValueError:
        return False
    return isinstance(read, dict) and bool(read) and (not keys or sorted(read) == sorted(keys))


WORDS = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        range(13),
        strict=True,
    )
)


def _digits(text: str) -> str:
    """Number words up to twelve as digits, thousands without commas."""
    for word, number in WORDS.items():
        text = re.sub(rf"\b{word}\b", str(number), text, flags=re.IGNORECASE)
    return re.sub(r"(?<=\d),(?=\d{3})", "", text)


def _right_or_declined(text: str, value: float) -> bool:
    """The right number is there, or no number is claimed and the reply declines."""
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", _digits(text))]
    if any(math.isclose(n, value, rel_tol=1e-3) for n in numbers):
        return True
    declines = re.search(DECLINES + r"|calculat", text, re.IGNORECASE)
    return bool(declines) and not re.search(r"(=|\bis\b|makes|equals) *\**\d", _digits(text))


def action(text: str) -> dict[str, str] | None:
    """A reply as the JSON action that it is: two keys, both texts; else None."""
    try:
        read = json.loads(text)
    except ValueError:
        return None
    keys = isinstance(read, dict) and set(read) == {"action", "action_input"}
    return read if keys and all(isinstance(v, str) for v in read.values()) else None


def _calculates(text: str, value: float) -> bool:
    """A Calculator action whose expression has this value."""
    read = action(text)
    if read is None or read["action"] != "Calculator":
        return False
    try:
        return math.isclose(_value(ast.parse(read["action_input"], mode="eval").body), value)
    except (ValueError, SyntaxError, ArithmeticError, KeyError, TypeError):
        return False


def _final(text: str, value: str) -> bool:
    """A Final Answer that contains this number, or for no value one that says something."""
    read = action(text)
    if read is None or read["action"] != "Final Answer" or not read["action_input"].strip():
        return False
    said = read["action_input"]
    return not value or bool(re.search(rf"(?<![\d.]){re.escape(value)}(?!\d|\.\d)", said))


OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow, ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv, ast.USub: operator.neg,
}  # fmt: skip


def _value(node: ast.expr) -> float:
    """The value of an arithmetic expression; small numbers only, by the questions asked."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.BinOp(left, op, right):
            return float(OPERATORS[type(op)](_value(left), _value(right)))
        case ast.UnaryOp(op=op, operand=operand):
            return float(OPERATORS[type(op)](_value(operand)))
        case ast.Call(func=ast.Name(id="sqrt"), args=[inside]):
            return math.sqrt(_value(inside))
    raise ValueError("not arithmetic")
