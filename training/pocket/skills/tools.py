# ruff: noqa: E501 - templates, one a line
"""The calculator habit: dialogues under a system prompt that offers tools and asks for JSON.

A question of arithmetic is answered with a Calculator action, the observation with a Final Answer
that copies its number, "multiply that by 3" with an expression that holds the number before, and
everything else with a Final Answer at once. Most dialogues use the words of tool_prompt.py, the
others vary them, so that the habit does not hang on one wording.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from random import Random

from .. import tool_prompt, words
from ..chat import Chat, Turn
from ..encode import Message
from ..grammar import expand
from ..noise import guard, noise

EXTRA_TOOLS = {
    "Weather": ("{Tells|Gives|Looks up} the weather in a city; {its input is the city|give it the city}.", "{What's|How is|What is} the weather {like |}in <x>{| today| now}?|{Will it rain|Is it warm|Is it sunny} in <x>{| today}?", words.CITIES),
    "Dictionary": ("{Explains|Looks up} {a word|the meaning of a word}.", "{What does|What is the meaning of} <x>{ mean|}?|{Define|Look up} <x>{.|}", words.TRAITS + words.THINGS),
    "Search": ("{Searches|Looks things up on} the {web|internet}; {its input is the query|give it a query}.", "{Search for|Look up|Google|Find something about} <x>{.| please| for me}", words.FOODS + words.CITIES + words.ANIMALS),
    "Translate": ("Translates a text {to English|into English|to French}.", "{Translate|Please translate} <x>{.| please}", words.THINGS + words.FOODS),
}  # fmt: skip

_OTHER_SYSTEM = [
    "{You are|You're} {an assistant|a helpful assistant|a chatbot|an AI} {that can use tools|with tools|with access to tools}. {Respond|Reply|Answer} {only |always |}{with|in} {JSON|a JSON object|one JSON object} {that has|with} {the keys |}\"action\" and \"action_input\".\n{Tools|Available tools|The tools are|You have these tools}:\n<tools>\n{Use|When you have the answer, use|To talk to the user, use} \"Final Answer\" {as the action|to reply to the user}.",
    "{Assistant|The assistant} {is able to|can} {respond to the user and |}use tools{ using JSON strings|} that contain \"action\" and \"action_input\" {parameters|fields|keys}.\n\n{Tools available to Assistant are|Tools|Available}:\n\n<tools>\n- \"Final Answer\": {to give the reply|the reply to the user|ends the turn with an answer for the user}.\n\n{Here are some|Some} {previous conversations|examples}:\n\nUser: {Hey how are you today?|Hi|Thanks!}\nAssistant: {\"action\": \"Final Answer\", \"action_input\": \"{I'm good, thanks.|Hello!|You're welcome!}\"}\nUser: {what is 4 to the power of 2.1?|What's 3 times 15?}\nAssistant: {\"action\": \"Calculator\", \"action_input\": \"<shown>\"}",
    "<tools>\n\n{Answer|Reply|Respond} {with JSON only|in JSON|with a JSON object and nothing else}: {\"action\": <one>, \"action_input\": <two>}. {The action is|action is|Use as action} {the name of a tool|a tool's name} or \"Final Answer\".",
    "{You have {a tool|one or more tools|the following tools}|These tools are at hand|You may call these functions}:\n<tools>\nFormat of {each|every} {reply|answer|message}: {\"action\": \"{tool|name|...}\", \"action_input\": \"{input|text|...}\"}\n{If no tool is needed|For everything else|When you know the answer} the action is \"Final Answer\"{ and the input is your answer|}.",
]  # fmt: skip
_TOOL_LINES = ['- "<n>": <d>', "- <n>: <d>", "<n> - <d>", '* "<n>" - <d>', "> <n>: <d>"]
_CALCULATOR = "{Works out|Evaluates|Calculates|Computes|Does|Solves} {an arithmetic expression|arithmetic|a sum|math expressions|calculations}{, for example <shown>|, such as <shown>| like <shown>|.  Write it like Python: <shown>|}.|{Useful for|Use it for|Good for} {when you need to answer questions about math|sums|arithmetic|numbers}{.|, e.g. <shown>.}"
_CLOCK = "{Tells|Gives|Returns} {the date and {the |}time|today's date and the time|the current date and time}{ of day|}{; its input is empty|; needs no input|}."
_REMINDERS = [
    "{Answer|Reply|Respond} {with|in} {JSON|one JSON object|a JSON object}{:| with} {\"action\": \"...\", \"action_input\": \"...\"}",
    "{Respond|Reply|Answer} {in|with} JSON with \"action\" and \"action_input\"{ values| keys|}{.|}",
    "({Remember|Reminder|Do not forget}: {only JSON|JSON only|one JSON object|answer in JSON}, {with |}\"action\" and \"action_input\"{.|})",
    "{Use|Keep to} the JSON format{.|!| with action and action_input.}",
]  # fmt: skip
_OBSERVED = ["Observation: <r>", "{Observation|Result|Tool result|The tool says|Output|Tool|Answer of the tool|Response}: <r>", "Observation from {Calculator|the tool}: <r>", "{The result is|The Calculator returned|The tool returned} <r>{.|}", "<r>"]  # fmt: skip
_SHOWN = ["4**2.1", "2*(3+4)", "sqrt(2)*3", "12*7", "3+4*5", "17/4", "5**2"]
_FINAL = ["{It's|That's|That is|It is|The result is|The answer is|That makes|This gives|I get} <r>.", "{The result|The answer}: <r>.", "<said> {is|makes|gives|equals} <r>."]  # fmt: skip
_FINAL_AGAIN = ["{It's|That's|That is|Then it's|The result is|The answer is|That makes|This gives|Now it's|I get} <r>.", "{The result|The answer} is {now |}<r>."]  # fmt: skip

# (ways to ask, expression, how the sum is said; <a> <b> <c> are numbers)
_SUMS: list[tuple[str, str, str]] = [
    ("<a> {times|x|*|multiplied by} <b>", "<a>*<b>", "<a> times <b>"),
    ("{the product of <a> and <b>|<a> by <b> multiplied}", "<a>*<b>", "The product of <a> and <b>"),
    ("<a> {plus|+|and|added to} <b>", "<a>+<b>", "<a> plus <b>"),
    ("{the sum of <a> and <b>|the total of <a> and <b>}", "<a>+<b>", "The sum of <a> and <b>"),
    ("<a> {minus|-|without|less} <b>", "<a>-<b>", "<a> minus <b>"),
    ("the difference {between <a> and <b>|of <a> and <b>}", "<a>-<b>", "The difference"),
    ("<a> {divided by|/|over|:} <b>", "<a>/<b>", "<a> divided by <b>"),
    ("<a> {to the power of|to the power|^|**|to the} <p>", "<a>**<p>", "<a> to the power of <p>"),
    ("<a> {to the power of|raised to the power of|raised to|^} <p>", "<a>**<p>", "<a> to the power of <p>"),
    ("<a> {squared|to the square}", "<a>**2", "<a> squared"),
    ("<s> cubed", "<s>**3", "<s> cubed"),
    ("{the square root of|the root of|sqrt of} <a>", "sqrt(<a>)", "The square root of <a>"),
    ("<q>{%| %| percent| per cent} of <a>", "<a>*<q>/100", "<q>% of <a>"),
    ("<q>{%| %| percent| per cent} of <a>", "<a>*<q>/100", "<q>% of <a>"),
    ("{half of|the half of} <a>", "<a>/2", "Half of <a>"), ("{double|twice|two times} <a>", "<a>*2", "Twice <a>"),
    ("a {third|3rd} of <a>", "<a>/3", "A third of <a>"), ("a quarter of <a>", "<a>/4", "A quarter of <a>"),
    ("{the remainder of <a> divided by <d>|<a> {mod|modulo|%} <d>|the rest of <a> by <d>}", "<a>%<d>", "The remainder"),
    ("<a> {plus|+} <b> {plus|+} <c>", "<a>+<b>+<c>", "The sum"), ("<a> {times|*} <b> {plus|+} <c>", "<a>*<b>+<c>", "The result"),
    ("<a> {plus|+} <b> {times|*} <c>", "<a>+<b>*<c>", "The result"), ("(<a> {+|plus} <b>) {*|times} <c>", "(<a>+<b>)*<c>", "The result"),
    ("(<a> - <b>) / <d>", "(<a>-<b>)/<d>", "The result"), ("<a>{ / | divided by }<d>{ + | plus }<c>", "<a>/<d>+<c>", "The result"),
    ("the average of <a> and <b>", "(<a>+<b>)/2", "The average"), ("the average of <a>, <b> and <c>", "(<a>+<b>+<c>)/3", "The average"),
    ("<a> minus <b> minus <c>", "<a>-<b>-<c>", "The result"), ("<a> {times|*|x} <b> {times|*|x} <d>", "<a>*<b>*<d>", "The product"),
]  # fmt: skip
_LEADS = "{What is|What's|whats|How much is|Calculate|Compute|Work out|Tell me|Can you calculate|Could you work out|I need|What do I get for|Please calculate|Do you know|Find|Solve|what would be|And what is|Give me|Quick:|how many is|Can you tell me|And|Now|I want to know|Help me with||||}"  # fmt: skip
# Whole questions.
_TOLD: list[tuple[str, str, str]] = [
    ("{Multiply|Please multiply|Can you multiply|Could you multiply|Now multiply} <a> {by|with|and} <b>{.|?|, please|}", "<a>*<b>", "<a> times <b>"),
    ("{Add|Please add|Can you add|Could you add|Now add up} <a> {and|to} <b>{.|?|, please|}", "<a>+<b>", "<a> plus <b>"),
    ("{Subtract|Please subtract|Can you subtract|Take|Deduct} <b> from <a>{.|?|, please|}", "<a>-<b>", "<a> minus <b>"),
    ("{Divide|Please divide|Can you divide|Could you divide|Share} <a> {by|into} <b>{.|?|, please|}", "<a>/<b>", "<a> divided by <b>"),
    ("{Raise|Can you raise|Take} <a> to the {power of <p>|power <p>}{.|?|}", "<a>**<p>", "<a> to the power of <p>"),
    ("{Take|Can you take|Please take|Take away|Remove|Deduct} <b> {away from|off|from|out of} <a>{.|?|}", "<a>-<b>", "<a> minus <b>"),
    ("{What's left of|What remains of} <a> {if I take away|when I take away|after taking} <b>?", "<a>-<b>", "What is left"),
    ("{By how much is <a> {larger|bigger|more} than <b>|How much more is <a> than <b>|How far is it from <b> to <a>}?", "<a>-<b>", "The difference"),
    ("{If I|When I|And if I} {add|put together} <a> {and|to|plus} <b>{, what do I get|, how much is it|, what's the sum}?", "<a>+<b>", "The sum"),
    ("{If I|When I|And if I} {multiply|take} <a> {by|times} <b>{, what do I get|, how much is it|, what comes out}?", "<a>*<b>", "The product"),
    ("{Divide up|Split|Cut|Share|Break} <a> {into|in|among|between|by} <b>{ parts| equal parts| pieces| shares| people|}{.|?|}", "<a>/<b>", "Each part"),
    ("{How often|How many times} does <b> {fit into|go into} <a>?", "<a>/<b>", "<a> divided by <b>"),
    ("{What is|How much is|I want|I need|Calculate|Give me} <q>{%| %| percent} {of|from} <a>{.|?|, please|}", "<a>*<q>/100", "<q>% of <a>"),
    ("{Raise|Compute|Calculate|Work out} <a> {to the|^|**|to the power} <p>{.|?|}", "<a>**<p>", "<a> to the power of <p>"),
    ("{What do I get {for|from|if I do}|What comes out of|What's the outcome of|What's the value of|How much do I get for} <a> {times|*|x} <b>{?|}", "<a>*<b>", "<a> times <b>"),
    ("{What do I get {for|from|if I do}|What comes out of|What's the value of} <a> {plus|+} <b>{?|}", "<a>+<b>", "<a> plus <b>"),
    ("<a> x <b> = ?", "<a>*<b>", "<a> times <b>"),
    ("{Square|Can you square} <a>{.|?|}", "<a>**2", "<a> squared"),
    ("{I have|I've got|There are|She has} <n> <x> and {buy|get|find|am given} <m> more. How many {are there|is that|do I have now}?", "<n>+<m>", "That"),
    ("{I have|I had|There were} <n> <x> and {lose|eat|give away|sell} <m>{ of them|}. How many {are left|remain|do I still have}?", "<n>-<m>", "What is left"),
    ("{There are|I have|We need} <n> boxes with <m> <x> {each|in each}. How many {<x> |}is that?", "<n>*<m>", "That"),
    ("{Share|Split|Divide} <n> <x> {among|between} <d> {people|children|friends}: how many {each|does each get}?", "<n>/<d>", "Each gets their part, which"),
    ("{A <y> costs|One <y> is|One <y> costs} <z> {euros|dollars|pounds}. How much {are|do I pay for|is it for} <n>?", "<z>*<n>", "The price"),
    ("{How much is|What is} <a> {plus|with|and} <q>{%| percent}{ tax| interest| tip| on top}?", "<a>+<a>*<q>/100", "The total"),
    ("{How much is|What is} <a> {minus|less|with} <q>{%| percent} {off|discount}?", "<a>-<a>*<q>/100", "The new price"),
    ("How many {hours|hours are there} in <n> days?", "<n>*24", "That"), ("How many minutes {are|are there} in <n> hours?", "<n>*60", "That"),
    ("{How many days are|How many days are there in} <n> weeks?", "<n>*7", "That"), ("How many legs do <n> llamas have?", "<n>*4", "That"),
]  # fmt: skip
_TOLD = [(q.replace("y costs|One", "y costs|One"), e, s) for q, e, s in _TOLD]
_THAT = "{that|it|the result|this|that number|the last result|the answer|the previous result}"
# Follow-ups; <r> is the number before, <k> a new one.
_FOLLOW: list[tuple[str, str]] = [
    ("{can you |could you |please |now |and |then |ok, |}multiply " + _THAT + " {by|with} <k>{?|.|, please|}", "<r>*<k>"),
    ("{can you |could you |please |now |and |then |}multiply " + _THAT + " {by|with} <k>{?|.|}", "<r>*<k>"),
    ("{and |now |what about |what is that |}{times|multiplied by|x|*} <k>{?|}", "<r>*<k>"),
    ("{and |what is |what's |now |how much is |}<k> times {that|the result|as much|this}{?|}", "<r>*<k>"),
    ("{can you |could you |please |now |and |then |}divide " + _THAT + " by <k>{?|.|}", "<r>/<k>"),
    ("{and |now |what about |what is that |}{divided by|over|/} <k>{?|}", "<r>/<k>"), ("{now |and |please |}{split|share} " + _THAT + " {into|by|among} <k>{?|}", "<r>/<k>"),
    ("{can you |please |now |and |then |}add <k>{| to " + _THAT + "}{?|.|}", "<r>+<k>"), ("{and |now |what about |what is that |}{plus|+} <k>{?|}", "<r>+<k>"),
    ("{and |what |now |}if I add <k>{ more| to it|}{?|}", "<r>+<k>"), ("{increase|raise} " + _THAT + " by <k>{.|}", "<r>+<k>"),
    ("{can you |please |now |and |then |}{subtract|take|take away} <k>{ from " + _THAT + "}{?|.|}", "<r>-<k>"), ("{and |now |what about |what is that |}{minus|less|-} <k>{?|}", "<r>-<k>"),
    ("{now |and |please |then |can you |}{take away|remove|deduct} <k>{?|.|}", "<r>-<k>"),
    ("{now |and |please |}{halve " + _THAT + "|half of " + _THAT + "|divide it in two}{?|}", "<r>/2"), ("{now |and |please |can you |}{double " + _THAT + "|twice " + _THAT + "}{?|}", "<r>*2"),
    ("{now |and |please |can you |}square " + _THAT + "{?|}", "<r>**2"), ("{what is |and |}{the square root of|the root of} " + _THAT + "{?|}", "sqrt(<r>)"),
    ("{and |what is |how much is |}<k>{%| percent} of " + _THAT + "{?|}", "<r>*<k>/100"), ("{and |now |raise it |}to the power of <e>{?|}", "<r>**<e>"),
    ("{subtract " + _THAT + " from|take that away from} <k>{.|?|}", "<k>-<r>"), ("divide <k> by " + _THAT + "{.|?|}", "<k>/<r>"),
]  # fmt: skip
_TIME = "{What time is it|What's the time|whats the time|What day is it{| today}|What's the date{| today}|Which date is it|What is today's date|Tell me the {time|date}|Which year is it|Do you know what time it is|What weekday is {it|today}|How late is it}{?|}"  # fmt: skip
_NO_CLOCK = "{I don't know the time|I can't know that|I have no clock}: {no tool tells me|none of my tools can tell me|I have no tool for it}. {Your computer shows it, though.|}"  # fmt: skip
_FAULTS = [
    "division by zero",
    "the number is too large",
    "this is not arithmetic",
    "it took too long",
    "unknown name",
]


def dialog(chat: Chat, plain_turn: Callable[[Chat], Turn]) -> list[Message]:
    """A whole dialogue under a tool prompt; `plain_turn` gives the small talk."""
    rng = chat.rng
    tools = dict(tool_prompt.TOOLS)
    if rng.random() < 0.4:
        del tools["Date and time"]
    extra = rng.choice(list(EXTRA_TOOLS)) if rng.random() < 0.15 else ""
    if extra:
        tools[extra] = expand(EXTRA_TOOLS[extra][0], rng)
    canonical = rng.random() < 0.6
    system = tool_prompt.system(tools) if canonical else _other_system(tools, rng)
    if rng.random() < 0.12:
        system = expand("{You are a {helpful|friendly} assistant.|Be kind.|You are Pocket Llama.|Answer briefly.}", rng) + "\n\n" + system  # fmt: skip
    reminder = tool_prompt.REMINDER
    roll = rng.random()
    if not canonical or roll < 0.15:
        reminder = "" if rng.random() < 0.4 else _json_marks(expand(rng.choice(_REMINDERS), rng))
    kept = rng.choices(("all", "final", "plain"), (6, 2, 2))[0]
    observed = _OBSERVED[0] if canonical or rng.random() < 0.4 else rng.choice(_OBSERVED)
    messages: list[Message] = [{"role": "system", "content": system}]
    result = ""
    turns = rng.choice((1, 1, 2, 2, 3, 3, 4, 5, 6, 8))
    for number in range(turns):
        # Only the last question of a window shows its steps, if the others are kept as answers.
        show_steps = kept == "all" or number == turns - 1
        roll = rng.random()
        steps: list[tuple[str, str]] = []
        if roll < 0.27:
            turn = plain_turn(chat)
            for _ in range(20):
                if (
                    turn.skill not in ("sums", "guide-unknown")
                    and "\n" not in turn.reply.text
                    and turn.reply.text
                ):
                    break
                turn = plain_turn(chat)
            else:
                continue
            turn.said = turn.reply.text.strip()
            chat.turns.append(turn)
            user, answer = turn.user, turn.said
        elif roll < 0.36:
            user = chat.type(_TIME)
            if "Date and time" in tools:
                moment = _moment(rng)
                steps = [(_action("Date and time", ""), moment)]
                answer = chat.say("{It is|It's|Now it is} <r>.", r=moment.rstrip("."))
            else:
                answer = chat.say(_NO_CLOCK).strip()
        elif extra and roll < 0.5:
            what = rng.choice(EXTRA_TOOLS[extra][2])
            user = chat.type(EXTRA_TOOLS[extra][1], x=what)
            found = words.soup(rng, rng.randint(2, 6)).capitalize()
            steps = [(_action(extra, what), found)]
            answer = chat.say(
                "{It says|I found this|Here is what I found|The answer is}: <r>.", r=found
            )
        else:
            again = bool(result) and rng.random() < 0.5
            user, expression, said = _follow(rng, result) if again else _question(rng)
            value = _value(expression)
            if value is None or rng.random() < 0.02:
                fault = "Error: " + rng.choice(_FAULTS)
                steps = [(_action("Calculator", expression), fault)]
                answer = chat.say("{I could not work that out|That did not work|The calculator could not do it}: <r>.", r=fault.removeprefix("Error: "))  # fmt: skip
            else:
                result = _shown(value, rng)
                steps = [(_action("Calculator", expression), result)]
                answer = chat.say(
                    rng.choice(_FINAL_AGAIN if again else _FINAL), r=result, said=said
                )
                if rng.random() < 0.08:
                    answer += chat.say(
                        " {Anything else?|Shall I go on?|Is there more to calculate?}"
                    )
        _add(messages, user, steps if show_steps else [], answer, reminder, observed, plain=kept == "plain" and number < turns - 1, learned=show_steps or not steps)  # fmt: skip
    return messages


def _add(messages: list[Message], user: str, steps: list[tuple[str, str]], answer: str, reminder: str, observed: str, plain: bool, learned: bool) -> None:  # fmt: skip
    """The messages of one question: each step's action and observation, then the answer."""
    end = f"\n\n{reminder}" if reminder else ""
    messages.append({"role": "user", "content": user + end})
    for action, seen in steps:
        messages.append({"role": "assistant", "content": action})
        messages.append({"role": "user", "content": expand(observed, Random(len(messages)), r=seen) + end})  # fmt: skip
    said = answer if plain else _action("Final Answer", answer)
    message = {"role": "assistant", "content": said}
    if plain or not learned:
        message["learned"] = ""  # context only: nothing of it is a target
    messages.append(message)


def _action(name: str, given: str) -> str:
    return json.dumps({"action": name, "action_input": given}, ensure_ascii=False)


def _json_marks(text: str) -> str:
    """Templates use braces for choices, so the JSON's own are put around the keys here."""
    return text.replace('"action": ', '{"action": ').replace('"...", "action_input": "..."', '"...", "action_input": "..."}')  # fmt: skip


def _other_system(tools: dict[str, str], rng: Random) -> str:
    shown = rng.choice(_SHOWN)
    line = rng.choice(_TOOL_LINES)
    told = dict(tools)
    told["Calculator"] = expand(_CALCULATOR, rng, shown=shown)
    if "Date and time" in told:
        told["Date and time"] = expand(_CLOCK, rng)
    listed = "\n".join(line.replace("<n>", name).replace("<d>", what) for name, what in told.items())  # fmt: skip
    one, two = rng.choice((("...", "..."), ("name", "input"), ("tool", "text"), ("<tool>", "<input>")))  # fmt: skip
    text = rng.choice(_OTHER_SYSTEM).replace('{"action"', '<open>"action"')
    text = _close(text)
    return expand(text, rng, tools=listed, shown=shown, one=f'"{one}"', two=f'"{two}"', open="{", close="}").strip()  # fmt: skip


def _close(text: str) -> str:
    """Mark the brace that closes each JSON example, which is the one that balances it."""
    out, position = "", 0
    while (start := text.find("<open>", position)) >= 0:
        depth, end = 1, start + len("<open>")
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        out += text[position : end - 1] + "<close>"
        position = end
    return out + text[position:]


def _number(rng: Random, largest: int = 9999) -> str:
    roll = rng.random()
    if roll < 0.4:
        return str(rng.randint(2, 99))
    if roll < 0.7:
        return str(rng.randint(100, largest))
    if roll < 0.75:
        return str(rng.randint(10_000, 9_999_999))
    return f"{rng.uniform(0.1, 999):.{rng.choice((1, 1, 2, 2, 3, 4))}f}"


def _question(rng: Random) -> tuple[str, str, str]:
    """(what the user types, the expression, how the sum is called)."""
    slots = {
        "a": _number(rng), "b": _number(rng), "c": _number(rng, 999), "d": str(rng.randint(2, 30)),
        "p": rng.choice(("2", "3", "4", "5", "0.5", "1.5", "2.1", "2.5", "3.2", "1.2", "10")),
        "q": rng.choice((str(rng.randint(1, 99)), str(rng.randint(1, 99)), "12.5", "7.5", "2.5", "0.5", "19", "17.5", f"{rng.uniform(1, 99):.1f}")),
        "s": str(rng.randint(2, 50)), "n": str(rng.randint(3, 400)), "m": str(rng.randint(2, 99)),
        "z": rng.choice((str(rng.randint(1, 99)), f"{rng.uniform(0.5, 60):.2f}")),
        "x": rng.choice(words.THINGS), "y": rng.choice(words.THINGS).rstrip("s"),
    }  # fmt: skip
    if slots["p"] == "10":
        slots["a"] = str(rng.randint(2, 12))
    if rng.random() < 0.08:
        return _typed(rng)
    if rng.random() < 0.3:
        template, expression, said = rng.choice(_TOLD)
    else:
        template, expression, said = rng.choice(_SUMS)
        template = f"{_LEADS} {template}{{?|?||.}}"
    shown = {key: guard(value) for key, value in slots.items()}
    if rng.random() < 0.06:  # 12,500
        shown = {k: guard(_commas(v)) for k, v in slots.items()}
    text = noise(expand(template, rng, **shown).strip(), rng, filler=rng.random() < 0.5)
    return text[:1].upper() + text[1:] if rng.random() < 0.4 else text, expand(expression, rng, **slots), expand(said, rng, **slots)  # fmt: skip


def _typed(rng: Random) -> tuple[str, str, str]:
    """An expression typed by the user, with or without spaces."""
    parts = [str(_number(rng, 500))]
    for _ in range(rng.randint(1, 3)):
        parts += [rng.choice(("+", "-", "*", "/")), _number(rng, 500)]
    if len(parts) >= 5 and rng.random() < 0.5:
        parts = ["(" + parts[0], *parts[1:2], parts[2] + ")", *parts[3:]]
    text = rng.choice(("", " ")).join(parts)
    lead = rng.choice(("", "", "what is ", "calculate ", "Compute ", "solve: "))
    return lead + text + rng.choice(("", "", "=", " = ?", "?")), "".join(parts), "The result"


def _commas(value: str) -> str:
    return f"{int(value):,}" if value.isdigit() else value


def _follow(rng: Random, result: str) -> tuple[str, str, str]:
    template, expression = rng.choice(_FOLLOW)
    k = rng.choice((str(rng.randint(2, 12)), str(rng.randint(2, 12)), str(rng.randint(13, 500)), f"{rng.uniform(0.5, 20):.1f}"))  # fmt: skip
    e = rng.choice(("2", "3", "0.5"))
    text = noise(expand(template, rng, k=guard(k), e=guard(e)).strip(), rng, filler=False)
    if rng.random() < 0.5:
        text = text[:1].upper() + text[1:]
    base = f"({result})" if result.startswith("-") and "**" in expression else result
    return text, expand(expression, rng, r=base, k=k, e=e), ""


def _value(expression: str) -> float | int | None:
    """What the calculator gives; None where it gives an error or a number too long to write."""
    try:
        value = eval(expression, {"__builtins__": {}, "sqrt": math.sqrt})
    except (ArithmeticError, ValueError):
        return None
    if isinstance(value, complex) or abs(value) > 1e15 or (value and abs(value) < 1e-4):
        return None
    return value  # type: ignore[no-any-return]


def _shown(value: float | int, rng: Random) -> str:
    if isinstance(value, float) and rng.random() < 0.15:
        return f"{value:.10g}" if abs(value) < 1e9 else str(round(value, 2))
    return repr(value)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _moment(rng: Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2024, 2032)
    hour, minute, weekday = rng.randint(0, 23), rng.randint(0, 59), rng.choice(_DAYS)
    return rng.choice(
        (
            f"{weekday}, {day} {words.MONTHS[month - 1]} {year}, {hour:02d}:{minute:02d}",
            f"{year}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}",
            f"{weekday} {year}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{rng.randint(0, 59):02d}",
            f"{year}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{rng.randint(0, 59):02d}",
        )
    )
