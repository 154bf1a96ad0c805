"""python app.py --tune DATASET --model NAME --output DIR: teach a model with a LoRA.

On a GPU over 4-bit NF4 weights (Dettmers et al. 2023, QLoRA), on a CPU over float32. The forward
and backward passes are transformers' and trl's; the rows are ours, token by token.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from peft import PeftModel, load_peft_weights, set_peft_model_state_dict

from llama_ui.engine.loading.device import this_device
from llama_ui.engine.loading.loader import leave_a_core_to_the_page
from llama_ui.engine.loading.memory import Held
from llama_ui.engine.loading.shape import ModelShape
from llama_ui.engine.progress import ProgressLine, size_in_words
from llama_ui.errors import ChatError, EngineError, incident
from llama_ui.settings import Settings
from llama_ui.tuning.base import Base, find_base, on_gpu, quiet_libraries
from llama_ui.tuning.card import adapter_card
from llama_ui.tuning.dataset import TrainingData, choose_method, end_token_of, make_rows
from llama_ui.tuning.folder import TuningFolder, fingerprint, open_folder
from llama_ui.tuning.look import describe
from llama_ui.tuning.measure import Measured, measure
from llama_ui.tuning.progress import ProgressTeller, Standing, State, in_words, write_progress
from llama_ui.tuning.readers import Dialog, Skipped
from llama_ui.tuning.recipe import USUAL_TOKENS, Recipe, Wishes, adapter_weights, choose_recipe
from llama_ui.tuning.trainer import add_adapter, make_trainer

log = logging.getLogger(__name__)

_ADAPTER, _MOMENTS = 4, 8  # bytes a trained weight takes in a checkpoint
# What a step costs, with its way back, in forward passes; with activations computed twice one more.
_STEP_COST = 3
_REVERSE = ("\x1b[7m", "\x1b[27m")
_BRACKETS = ("«", "»")


class Stop:
    """Hears Ctrl+C and SIGTERM while it trains. The second one ends the process on the spot: what
    was saved last stays."""

    def __init__(self) -> None:
        self.is_asked = False
        self.code = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.code = 130 if number == signal.SIGINT else 0
        if self.is_asked:
            os._exit(self.code)
        self.is_asked = True
        print("\nStopping after this step; what was learned is saved.", file=sys.stderr)


def tune(settings: Settings, dialogs: Sequence[Dialog], skipped: Sequence[Skipped]) -> int:
    """Teach the model of the settings; returns the exit code.

    Args:
        dialogs, skipped: what there is to learn, as the readers give it.

    Raises:
        ChatError: says what is wrong with the model, the data, or the room for them.
    """
    quiet_libraries()
    line = ProgressLine(sys.stderr)
    held: Held = "4bit" if on_gpu() else "none"
    wanted = settings.context or USUAL_TOKENS
    base = find_base(settings, held, wanted, lambda moment: line(settings.model_label, moment))
    tokenizer = base.prepared.tokenizer
    data = make_rows(
        dialogs,
        skipped,
        base.prepared.format,
        end_token_of(base.prepared.format, tokenizer),
        choose_method(dialogs, settings.tune_method),
        min(wanted, base.prepared.window.length),
    )
    marks = _REVERSE if sys.stdout.isatty() else _BRACKETS
    print(describe(data, lambda ids: str(tokenizer.decode(list(ids))), marks))

    config, device = base.prepared.config.to_dict(), this_device()
    recipe, need = choose_recipe(
        base.prepared.name,
        config,
        device,
        held,
        data.method,
        len(data.train),
        max(row.tokens for row in data.rows),
        base.prepared.window.length,
        Wishes(settings.epochs, settings.learning_rate, settings.rank),
    )
    print(
        f"\nTeaching {base.prepared.name} on {device.name}: rank {recipe.rank}, learning rate "
        f"{recipe.learning_rate:g}, {recipe.epochs} epochs, {recipe.rows_a_step} "
        f"rows a step, up to {size_in_words(need)} of {size_in_words(device.free)} memory."
    )
    weights = adapter_weights(ModelShape.of(config), recipe.rank)
    size = weights * (_ADAPTER + _MOMENTS)
    about = {
        "model": base.name,
        "data": fingerprint(data),
        "method": data.method,
        "recipe": recipe.identity,
    }
    assert settings.output is not None
    folder = open_folder(Path(settings.output).expanduser(), about, size)
    stop = Stop()
    write_progress(folder.path, Standing("loading"))
    try:
        return _Training(base, data, recipe, folder, line, stop, settings.model).run()
    except Exception as error:
        fault = _explain(error, folder, size)
        write_progress(folder.path, Standing("failed", fault=str(fault)))
        raise fault from error


class _Training:
    """One training, from the weights to the adapter."""

    def __init__(
        self,
        base: Base,
        data: TrainingData,
        recipe: Recipe,
        folder: TuningFolder,
        line: ProgressLine,
        stop: Stop,
        model: str,
    ) -> None:
        self._model = model  # as the operator named it
        self._base, self._data, self._recipe = base, data, recipe
        self._folder, self._line, self._stop = folder, line, stop

    def run(self) -> int:
        """Train, keep the adapter, and say what it has learned; returns the exit code."""
        base, data, folder, stop = self._base, self._data, self._folder, self._stop
        plain = base.load(lambda moment: self._line(base.prepared.name, moment))
        if not on_gpu():
            plain.float()
            leave_a_core_to_the_page()
        before = self._measure_first(plain)
        model = add_adapter(plain, self._recipe)
        teller = ProgressTeller(
            folder.path,
            base.prepared.name,
            self._line,
            sum(row.tokens for row in data.train),
            lambda: stop.is_asked,
            folder.mark,
        )
        tokenizer = base.prepared.tokenizer
        trainer = make_trainer(model, tokenizer, data, self._recipe, folder.checkpoints, teller)
        last = folder.last_checkpoint()
        if stop.is_asked:
            print("Stopped before the first step.")
            write_progress(folder.path, Standing("stopped"))
            return stop.code
        if last is not None:
            step = last.name.rpartition("-")[2]
            print(f"Going on from step {step}, where the last checkpoint was made.", flush=True)
        started = time.monotonic()
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        seconds = time.monotonic() - started
        best = trainer.state.best_model_checkpoint
        if best is not None and not stop.is_asked:
            set_peft_model_state_dict(model, load_peft_weights(best, device=str(model.device)))
        after = measure(model, data.held_out)
        self._keep(model, before, after)
        state: State = "done"
        if stop.is_asked:
            state = "stopped"
            steps = f"step {trainer.state.global_step} of {trainer.state.max_steps}"
            print(f"Stopped at {steps}. The same command goes on from there.")
        else:
            folder.finish()
        print(f"Held out before: {before}; after: {after}. {in_words(seconds)} of training.")
        print(f"The adapter is in {folder.path}. Start it with:")
        print(f"  python app.py --model {self._model} --adapter {folder.path}")
        write_progress(
            folder.path,
            replace(teller.standing, state=state, held_out=after.loss, seconds_left=0.0),
        )
        return stop.code

    def _measure_first(self, model: Any) -> Measured:
        """Measure the model as it is, and tell from that how long the training will take."""
        data, recipe = self._data, self._recipe
        # The first pass of all also sets things up.
        measure(model, data.held_out[:1])
        started = time.monotonic()
        before = measure(model, data.held_out)
        per_s = sum(row.tokens for row in data.held_out) / (time.monotonic() - started)
        tokens = recipe.epochs * sum(row.tokens for row in data.train)
        # A preference is also asked of the model as it was.
        cost = _STEP_COST + recipe.recomputes + (data.method == "dpo")
        print(
            f"Held out: {before}. About {in_words(cost * tokens / per_s)} for "
            f"{recipe.steps(len(data.train)):,} steps.",
            flush=True,
        )
        return before

    def _keep(self, model: PeftModel, before: Measured, after: Measured) -> None:
        """Write the adapter for --adapter."""
        base, data, recipe = self._base, self._data, self._recipe
        config = model.peft_config["default"]
        config.base_model_name_or_path = base.name
        facts = {
            "Data": f"{data.chats:,} chats; {len(data.train):,} rows learned, "
            f"{len(data.held_out):,} held out",
            "Method": data.method.upper(),
            "Recipe": f"rank {recipe.rank}, learning rate {recipe.learning_rate:g}, "
            f"{recipe.epochs} epochs, {recipe.rows_a_step} rows a step",
            "Held out before": before,
            "Held out after": after,
        }

        def save(folder: Path) -> None:
            # "auto" would ask the Hub how large the base's vocabulary is.
            model.save_pretrained(str(folder), save_embedding_layers=False)

        self._folder.keep_adapter(save, adapter_card(base.name, base.option, base.called, facts))


def _explain(error: Exception, folder: TuningFolder, checkpoint_bytes: int) -> ChatError:
    """The sentence for what can happen while it trains; any other fault is a bug."""
    if isinstance(error, ChatError):
        return error
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return EngineError(
            "The memory ran out in the training.",
            "Run the same command with a smaller --context, and another folder.",
        )
    if folder.is_full(checkpoint_bytes):
        return EngineError(
            f"The disk of {folder.path} is full; the checkpoints before are whole.",
            "Make room, and run the same command: it goes on from the last one.",
        )
    return incident(log, error, "The training failed", "The checkpoints before are whole.")
