"""Tools that a model can use: plain functions. Pure.

A tool is a function that returns a text. It takes nothing, one text, or several arguments, each
annotated with its type. Its name, its signature and the first paragraph of its docstring become
the line by which it is offered. A new one is such a function and its place in TOOLS.
"""

import ast
import inspect
import json
import logging
import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

from pydantic import TypeAdapter, ValidationError
from simpleeval import InvalidExpression, SimpleEval

from llama_ui.errors import incident

log = logging.getLogger(__name__)

Tool = Callable[..., str]
Number = int | float

MAX_EXPRESSION_CHARS = 500
MAX_INPUT_CHARS = 2_000
_MAX_BITS = 1_024  # as far as a float reaches
_MAX_DIGITS = 40  # of a whole number; a longer one is written as a float


class ToolError(Exception):
    """A tool cannot do what it was asked; the model reads why."""


def tool_name(tool: Tool) -> str:
    """What the model calls it: `date_and_time` is "Date and time"."""
    return str(tool.__name__).replace("_", " ").capitalize()


def tool_description(tool: Tool) -> str:
    """What the model reads of it."""
    said = " ".join((inspect.getdoc(tool) or "").split("\n\n")[0].split())
    inputs = inspect.signature(tool).parameters
    if not inputs:
        return f"{said.removesuffix('.')}; its input is empty."
    if _takes_a_text(tool):
        return said
    of_a_call: Any = tool
    schema = json.dumps(TypeAdapter(of_a_call).json_schema()["properties"], ensure_ascii=False)
    return f"{said.removesuffix('.')}; its input is a JSON object: {schema}"


def input_schema(tool: Tool) -> dict[str, Any]:
    """What its input must be."""
    if not inspect.signature(tool).parameters:
        return {"const": ""}
    if _takes_a_text(tool):
        return {"type": "string", "minLength": 1}
    of_a_call: Any = tool
    return {**TypeAdapter(of_a_call).json_schema(), "$id": f"urn:tool:{tool.__name__}"}


def run_tool(tool: Tool, given: str, fields: Mapping[str, Any] | None = None) -> str:
    """Its result; one that begins with "Error:" says why there is none. Never raises.

    Args:
        given: the input as a text.
        fields: the input as it was written, where it was an object.
    """
    try:
        if len(given) > MAX_INPUT_CHARS:
            raise ToolError("the input is too long")
        inputs = inspect.signature(tool).parameters
        if not inputs:
            return tool()
        if _takes_a_text(tool):
            return tool(given)
        return _called(tool, fields if fields is not None else {next(iter(inputs)): given})
    except ToolError as error:
        return f"Error: {error}"
    except Exception as error:
        fault = incident(log, error, "the tool failed", "")
        return f"Error: {fault.problem}"


def calculator(expression: str) -> str:
    """Works out an arithmetic expression, for example 4**2.1 or sqrt(2)*3.

    Numbers, + - * / // % **, parentheses, functions such as sqrt, exp, log and sin (of radians),
    pi and e. Nothing else is evaluated; size and time are bounded.
    """
    if len(expression) > MAX_EXPRESSION_CHARS:
        raise ToolError("the expression is too long")
    # As people write it; Python's own ^ would be another operation.
    text = expression.strip().translate(_WRITTEN)
    try:
        tree = ast.parse(text, mode="eval")
        for node in ast.walk(tree):
            _check(node)
        evaluator = SimpleEval(operators=_OPERATORS, functions={**_FUNCTIONS}, names=_NAMES)
        value = _bounded_number(evaluator.eval(text, tree.body))
    except ZeroDivisionError:
        raise ToolError("division by zero") from None
    except OverflowError:
        raise ToolError("the number is too large") from None
    except (RecursionError, MemoryError):
        raise ToolError("the expression is too deep") from None
    except (SyntaxError, ValueError, TypeError, InvalidExpression):
        raise ToolError("this is not arithmetic") from None
    is_long = isinstance(value, int) and abs(value) >= 10**_MAX_DIGITS
    return repr(float(value) if is_long else value)


def date_and_time() -> str:
    """Tells the date and the time of day."""
    return datetime.now().strftime("%A, %d %B %Y, %H:%M")


TOOLS: tuple[Tool, ...] = (calculator, date_and_time)


def _takes_a_text(tool: Tool) -> bool:
    inputs = [*inspect.signature(tool, eval_str=True).parameters.values()]
    return len(inputs) == 1 and inputs[0].annotation is str


def _called(tool: Tool, fields: Mapping[str, Any]) -> str:
    """Call it with arguments by name, each made into its type: models write "3" for 3."""
    signature = inspect.signature(tool, eval_str=True)
    unknown = fields.keys() - signature.parameters.keys()
    if unknown:
        raise ToolError(f"there is no input {min(unknown)[:40]!r}")
    arguments = {}
    for name, parameter in signature.parameters.items():
        if name in fields:
            try:
                arguments[name] = TypeAdapter(parameter.annotation).validate_python(fields[name])
            except ValidationError as fault:
                said = fault.errors(include_url=False, include_input=False)[0]["msg"]
                raise ToolError(f"the input {name!r} is wrong: {said}") from None
        elif parameter.default is parameter.empty:
            raise ToolError(f"the input {name!r} is missing")
    return tool(**arguments)


def _check(node: ast.AST) -> None:
    """Let pass what arithmetic is made of, before anything is evaluated."""
    if isinstance(node, ast.Constant):
        is_number = type(node.value) in (int, float)
        if is_number:
            _bounded_number(node.value)
            return
    elif isinstance(node, ast.Name):
        if node.id in _NAMES or node.id in _FUNCTIONS:
            return
        raise ToolError("unknown name")
    elif isinstance(node, _ARITHMETIC) or type(node) in _OPERATORS:
        return
    raise ToolError("this is not arithmetic")


def _bounded_number(value: object) -> Number:
    if type(value) not in (int, float):
        raise ToolError("the result is not a real number")
    assert isinstance(value, int | float)
    if isinstance(value, int):
        is_large = value.bit_length() > _MAX_BITS
    else:
        is_large = not math.isfinite(value)
    if is_large:
        raise ToolError("the number is too large")
    return value


def _bounded(function: Callable[..., Any]) -> Callable[..., Number]:
    """The same with numbers checked on the way in and out."""

    @wraps(function)
    def bounded(*numbers: object) -> Number:
        return _bounded_number(function(*map(_bounded_number, numbers)))

    return bounded


def _power(base: Number, exponent: Number) -> Any:
    both_whole = isinstance(base, int) and isinstance(exponent, int)
    # Before it is worked out: afterwards is too late.
    if both_whole and abs(base) > 1 and exponent > _MAX_BITS:
        raise ToolError("the number is too large")
    return base**exponent


def _round(number: Number, digits: int = 0) -> Number:
    places = max(-20, min(20, digits))
    return round(number, places) if places else round(number)


_WRITTEN = str.maketrans({"^": "**", "×": "*", "·": "*", "÷": "/", "−": "-", "π": "pi"})  # noqa: RUF001
_ARITHMETIC = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Call, ast.Load)
_OPERATORS: Mapping[type[ast.AST], Callable[..., Number]] = {
    ast.Add: _bounded(operator.add),
    ast.Sub: _bounded(operator.sub),
    ast.Mult: _bounded(operator.mul),
    ast.Div: _bounded(operator.truediv),
    ast.FloorDiv: _bounded(operator.floordiv),
    ast.Mod: _bounded(operator.mod),
    ast.Pow: _bounded(_power),
    ast.USub: _bounded(operator.neg),
    ast.UAdd: _bounded(operator.pos),
}
_FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "round": _bounded(_round),
    **{function.__name__: _bounded(function) for function in (abs, min, max)},
    **{
        name: _bounded(getattr(math, name))
        for name in (
            *("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan"),
            *("degrees", "radians", "floor", "ceil"),
        )
    },
}
_NAMES = {"pi": math.pi, "e": math.e}
