"""The tools: right results, faults in words, nothing evaluated beyond arithmetic."""

import math
import sys
import threading
import time
from datetime import datetime
from random import Random

import pytest

from llama_ui.tools.builtin import TOOLS, calculator, run_tool, tool_description, tool_name
from tests.sizes import examples

HANG_S = 1.0  # orders of magnitude above what is allowed; a hang is minutes


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("4**2.1", 4**2.1),
        ("4^2.1", 4**2.1),
        ("2*3^2", 18),
        ("-2**2", -4),
        ("7//2 + 7%4", 6),
        ("(1+2)*3 - -4", 13),
        ("sqrt(2)*3", math.sqrt(2) * 3),
        ("sin(pi/2) + log(e) + exp(0)", 3),
        ("round(2.567, 1)", 2.6),
        ("6 × 7 ÷ 2 − 1", 20),  # noqa: RUF001
        ("2**100", 2**100),
    ],
)
def test_arithmetic_is_right(expression, result):
    assert math.isclose(float(run_tool(calculator, expression)), result)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("1/0", "division by zero"),
        ("9**9**9", "too large"),
        ("9.0**999", "too large"),
        ("1e999", "too large"),
        ("(-8)**0.5", "not a real number"),
        ("x + 1", "unknown name"),
        ("", "not arithmetic"),
        ("2 +", "not arithmetic"),
        ("'a'*3", "not arithmetic"),
        ("(1).bit_length()", "not arithmetic"),
        ("round(5, -10**9) or 1", "not arithmetic"),
        ("1" * 501, "too long"),
        ("1" * 9_999, "too long"),
        ("-" * 400 + "1" + "+1" * 50, ""),
    ],
)
def test_a_fault_is_an_observation(expression, says):
    result = run_tool(calculator, expression)
    assert says in result
    assert not says or result.startswith("Error: ")


def test_a_huge_whole_number_is_written_short():
    assert len(run_tool(calculator, "7**300")) < 30


HOSTILE = [
    "9**9**9**9",
    "2**2**2**2**2**2",
    "(10**300)**(10**300)",
    "round(7, -10**9)",
    "round(10**300, -10**300)",
    "(" * 250 + "1" + ")" * 240,
    "-" * 499 + "1",
    "sqrt(" * 90 + "2" + ")" * 90,
    "+".join(["1"] * 250),
    "**".join(["2"] * 150),
    "factorial(10**9)",
    "__import__('os').system('touch {canary}')",
    "open('{canary}', 'w')",
    "().__class__.__bases__[0].__subclasses__()",
    "[x for x in range(10**9)]",
    "sum(range(10**9))",
    "'a'*10**9",
    "(lambda: 1)()",
    "f'{1}'",
    "max(1, 2, key=print)",
    "max(*range(10**9))",
    "sin.__globals__",
    "pi if 1 else e",
    "1 << 10**9",
    "a := 1",
    "True + True",
    "2j ** 9999",
    "1e308 * 10",
    "1;2",
    "1\n2",
    "\0",
    "\ud800",
    "0x" + "f" * 400,
    "eval('1')",
    "exec('while True: pass')",
    "abs(sin)",
    "print(1)",
    "None",
]


def hostile(rng: Random) -> str:
    """A known attack, joined to another or cut."""
    parts = rng.sample(HOSTILE, rng.randint(1, 2))
    text = rng.choice(["+", "**", "*", ",", " ", "("]).join(parts)
    return text[: rng.randint(1, 520)] if rng.random() < 0.3 else text


def test_hostile_expressions_neither_hang_nor_reach_beyond_arithmetic(tmp_path):
    canary = tmp_path / "canary"
    events: list[str] = []
    thread = threading.get_ident()
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        watched = event in ("exec", "open", "import", "os.system", "subprocess.Popen")
        if watching and watched and threading.get_ident() == thread:
            events.append(f"{event} {arguments[:1]}")

    rng = Random(9)
    tried = [*HOSTILE, *(hostile(rng) for _ in range(examples(100)))]
    run_tool(calculator, "1+")  # what Python imports to explain a fault is imported once
    sys.addaudithook(watch)  # cannot be taken away again
    for text in tried:
        began = time.perf_counter()
        result = run_tool(calculator, text.replace("{canary}", str(canary)))
        assert time.perf_counter() - began < HANG_S, text
        assert result.startswith("Error: ") or math.isfinite(float(result)), (text, result)
        assert "incident" not in result, text
    watching = False
    assert not events
    assert not canary.exists()


def test_a_calculator_works_in_any_thread():
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda: results.append(run_tool(calculator, "12*7")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["84"] * 8


def test_the_date_is_that_of_today():
    result = run_tool(TOOLS[1], "whatever")
    assert str(datetime.now().year) in result


def test_a_third_tool_is_one_function():
    def word_count(text: str) -> str:
        """Counts the words of a text.

        Not a part of the line.
        """
        return str(len(text.split()))

    assert tool_name(word_count) == "Word count"
    assert tool_description(word_count) == "Counts the words of a text."
    assert run_tool(word_count, "a b c") == "3"


def test_a_tool_with_a_bug_is_an_incident(caplog):
    def broken() -> str:
        """Fails."""
        raise RuntimeError("forced")

    assert run_tool(broken, "").startswith("Error: the tool failed (incident ")
    assert "forced" in caplog.text


def convert(amount: float, unit: str, rounded: bool = False) -> str:
    """Converts an amount.

    More that only programmers read.
    """
    return f"{amount!r} {unit!r} {rounded!r}"


def test_several_inputs_are_offered_with_their_types():
    said = tool_description(convert)
    assert said.startswith("Converts an amount; its input is a JSON object: {")
    for word in ('"amount"', '"number"', '"unit"', '"string"', '"boolean"', '"default": false'):
        assert word in said
    assert "programmers" not in said


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({"amount": 3, "unit": "km"}, "3.0 'km' False"),
        ({"amount": "3.5", "unit": "km", "rounded": "true"}, "3.5 'km' True"),
        ({"amount": "many", "unit": "km"}, "Error: the input 'amount' is wrong: "),
        ({"amount": 3}, "Error: the input 'unit' is missing"),
        ({"amount": 3, "unit": "km", "x": 1}, "Error: there is no input 'x'"),
        ({}, "Error: the input 'amount' is missing"),
        (None, "Error: the input 'amount' is wrong: "),
    ],
)
def test_several_inputs_become_arguments_of_their_types(fields, result):
    assert run_tool(convert, "3 km", fields).startswith(result)


def test_one_input_that_is_no_text_is_made_into_its_type():
    def double(number: int) -> str:
        """Doubles."""
        return str(2 * number)

    assert run_tool(double, "21") == run_tool(double, "21", {"number": 21}) == "42"
    assert run_tool(double, "x").startswith("Error: the input 'number' is wrong")
