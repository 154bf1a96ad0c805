"""The agent: an answer in steps, each a tool that the model chose. Pure.

The words are those on which Pocket Llama was trained (training/pocket/tool_prompt.py); Llama 2
follows them too. What is sent depends on the messages and the steps alone, so that the prompt of
an earlier answer can be shown again.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llama_ui.chat.conversation import Step
from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions
from llama_ui.tools.actions import (
    FINAL,
    Action,
    action_schema,
    final_schema,
    read_action,
    same_name,
    unfinished,
)
from llama_ui.tools.builtin import (
    TOOLS,
    Tool,
    input_schema,
    run_tool,
    tool_description,
    tool_name,
)

MAX_ACTIONS = 5
KEEP_LAST = 5
REMINDER = 'Answer with one JSON object: {"action": "...", "action_input": "..."}'

_SYSTEM = """\
You can use tools. Answer every message with one JSON object and nothing else:
{"action": "...", "action_input": "..."}

The actions are:
%s
- "Final Answer": Says something to the user; its input is the answer.

Examples:
User: Hello!
{"action": "Final Answer", "action_input": "Hello! What can I do for you?"}"""
_EXAMPLE = """
User: What is 12 times 7?
{"action": "Calculator", "action_input": "12*7"}
User: Observation: 84
{"action": "Final Answer", "action_input": "12 times 7 is 84."}"""
_NO_ACTION = "Error: that was not one JSON object."
LAST_REMINDER = "Use no more tools. Say your answer now, in plain words."


@dataclass(frozen=True, slots=True)
class Offer:
    """What a model reads of something that it may use."""

    name: str
    description: str


def offers_of(tools: Sequence[Tool] = TOOLS) -> list[Offer]:
    """The tools as they are offered."""
    return [Offer(tool_name(tool), tool_description(tool)) for tool in tools]


def system_prompt(offers: Sequence[Offer]) -> str:
    """The system prompt that offers tools."""
    lines = "\n".join(f'- "{offer.name}": {offer.description}' for offer in offers)
    # An example of a tool that is not there would be followed.
    has_calculator = any(same_name(offer.name, "Calculator") for offer in offers)
    return _SYSTEM % lines + (_EXAMPLE if has_calculator else "")


def exchange(said: str, observation: str) -> list[Message]:
    """A step as the model reads it: what it said, and what came of it."""
    return [
        {"role": "assistant", "content": said},
        {"role": "user", "content": f"Observation: {observation}"},
    ]


def with_tools(
    messages: Sequence[Message],
    options: PlanOptions,
    steps: Sequence[Step] = (),
    tools: Sequence[Tool] = TOOLS,
) -> tuple[list[Message], PlanOptions]:
    """What is to be sent next, for a dialogue that ends with a user message.

    Args:
        messages: what was said; its system prompt stands before that of the tools.
        steps: what was done already for the last message.
    """
    own = [m["content"] for m in messages if m["role"] == "system"]
    sent: list[Message] = [
        {"role": "system", "content": "\n\n".join([*own, system_prompt(offers_of(tools))])},
        *map(as_action, (m for m in messages if m["role"] != "system")),
    ]
    for step in steps:
        said = Action.of(step.tool, step.given).as_json() if step.tool else step.given
        sent += exchange(said, step.observation)
    asked = sum(m["role"] == "user" for m in messages)
    # The steps are exchanges to the engine, but none to be forgotten before their answer.
    current = range(asked - 1, asked - 1 + len(steps))
    keep = options.keep_last
    return sent, replace(
        options,
        keep_last=None if keep is None else keep + len(steps),
        pinned=options.pinned | frozenset(current),
        reminder=LAST_REMINDER if len(steps) == MAX_ACTIONS else options.reminder,
    )


def with_action_form(
    sampling: Sampling, steps: Sequence[Step] = (), tools: Sequence[Tool] = TOOLS
) -> Sampling:
    """The options of the next reply, which must be an action: the answer to the user is one, and
    has the form that was asked for."""
    if len(steps) == MAX_ACTIONS:
        return sampling  # it is to answer in plain words
    actions = [action_schema(tool_name(tool), input_schema(tool)) for tool in tools]
    actions.append(final_schema(sampling.answer_form))
    return sampling.with_form(AnswerForm.of_schema({"anyOf": actions}))


class Agent:
    """One answer, step by step. Who drives it sends what `with_tools` says for its steps, has it
    take the reply, and goes on until there is an answer.

    Args:
        tools: what the model may use.
        answers_json: whether the answer to the user is JSON.

    Attributes:
        steps: what was done.
        answer: what is shown to the user, once it is there.
    """

    def __init__(self, tools: Sequence[Tool] = TOOLS, answers_json: bool = False) -> None:
        self._tools, self._answers_json = tools, answers_json
        self.steps: tuple[Step, ...] = ()
        self.answer: str | None = None

    def take(self, reply: str, is_whole: bool, ms: float) -> None:
        """Read a reply and do what it asks for: run a tool, or keep the answer. Never raises.

        Args:
            is_whole: whether the reply ended by itself.
            ms: how long it took to write, in milliseconds.
        """
        action = read_action(reply)
        if not is_whole:
            self.answer = unfinished(reply)
        elif action is not None and action.is_final:
            has_fields = self._answers_json and action.fields is not None
            answer = json.dumps(action.fields, ensure_ascii=False)
            self.answer = answer if has_fields else action.given
        elif len(self.steps) == MAX_ACTIONS or (action is None and self._was_asked_again()):
            self.answer = reply
        else:
            self._add(action, reply, ms)

    def _add(self, action: Action | None, reply: str, ms: float) -> None:
        started = time.perf_counter()
        if action is None:
            step = Step("", "", reply, _NO_ACTION)
        else:
            step = Step(action.thought, action.name, action.given, self._run(action))
        took = ms + (time.perf_counter() - started) * 1e3
        self.steps += (replace(step, ms=round(took, 1)),)

    def _run(self, action: Action) -> str:
        for tool in self._tools:
            if same_name(tool_name(tool), action.name):
                return run_tool(tool, action.given, action.fields)
        return f"Error: there is no tool {action.name[:40]!r}."

    def _was_asked_again(self) -> bool:
        return any(not step.tool for step in self.steps)


def as_action(message: Message) -> Message:
    """An earlier answer in the form that the model is to keep to."""
    if message["role"] != "assistant":
        return message
    return {"role": "assistant", "content": Action(FINAL, message["content"]).as_json()}
