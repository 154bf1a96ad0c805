"""The words in which the application offers tools to a model; training uses them as they stand.

An agent that wants Pocket Llama's calculator habit sends exactly these: `system` as the system
prompt, every user turn and every observation followed by an empty line and `REMINDER`.
"""

from __future__ import annotations

from collections.abc import Mapping

TOOLS: Mapping[str, str] = {
    "Calculator": "Works out an arithmetic expression, for example 4**2.1 or sqrt(2)*3.",
    "Date and time": "Tells the date and the time of day; its input is empty.",
}

_SYSTEM = """\
You can use tools. Answer every message with one JSON object and nothing else:
{"action": "...", "action_input": "..."}

The actions are:
%s
- "Final Answer": Says something to the user; its input is the answer.

Examples:
User: Hello!
{"action": "Final Answer", "action_input": "Hello! What can I do for you?"}
User: What is 12 times 7?
{"action": "Calculator", "action_input": "12*7"}
User: Observation: 84
{"action": "Final Answer", "action_input": "12 times 7 is 84."}"""

REMINDER = 'Answer with one JSON object: {"action": "...", "action_input": "..."}'


def system(tools: Mapping[str, str] = TOOLS) -> str:
    """The system prompt that offers tools, given as name and description."""
    return _SYSTEM % "\n".join(f'- "{name}": {what}' for name, what in tools.items())


def asked(text: str, reminder: str = REMINDER) -> str:
    """A user turn: what the person typed, and the reminder."""
    return f"{text}\n\n{reminder}"


def observed(result: str, reminder: str = REMINDER) -> str:
    """The user turn that gives a tool's result back."""
    return asked(f"Observation: {result}", reminder)
