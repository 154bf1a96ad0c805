"""python app.py --list: the models on this machine, and those of the catalogue."""

import shutil
import sys
import textwrap

from llama_ui.engine.hub.fit import Machine
from llama_ui.engine.models import Choice, Menu, list_models
from llama_ui.engine.progress import size_in_words
from llama_ui.settings import Settings


def print_models(settings: Settings, machine: Machine) -> int:
    """Print them; returns the exit code."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    print(listing(list_models(settings, machine), width))
    return 0


def listing(menu: Menu, width: int) -> str:
    """The menu as text."""
    machine = menu.machine
    free = f"{size_in_words(machine.memory)} of memory are free"
    if machine.device.gpus:
        free += f", and {size_in_words(machine.device.free)} of {machine.device.name}"
    lines = ["On this machine:", ""]
    for choice in menu.here:
        lines += _entry(choice, width)
    lines += ["To download:", ""]
    for choice in menu.proposed:
        lines += _entry(choice, width)
    return "\n".join([*lines, f"{free}. Start with one: --model NAME."])


def _entry(choice: Choice, width: int) -> list[str]:
    """A model: its name and fit, how to name it, and what it is for."""
    proposal, source, settings = choice.proposal, choice.source, choice.settings
    facts = [size_in_words(choice.size)] if choice.size else []
    if proposal is not None:
        facts.append(proposal.licence["name"])
    if source is not None:
        facts += ["gated"] * source.gated + ["not tried by us"] * (not source.tried)
    texts = [", ".join([*facts, choice.fit.words]), f"--model {settings.model}"]
    if settings.context is not None:
        texts[1] += f" --context {settings.context}"
    if proposal is not None:
        texts.append(proposal.good_at)
    lines = [f"  {choice.name}"]
    for text in texts:
        lines += textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    ")
    return [*lines, ""]
