"""How far a training has come: a line on the terminal, progress.json and log.jsonl in its folder.

progress.json   where it stands now, written whole at each step
log.jsonl       one line a step with its loss, and one a measurement of what is held out
"""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from llama_ui.engine.progress import ProgressLine
from llama_ui.tuning.folder import write_whole

State = Literal["loading", "training", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a training stands.

    Args:
        state: what is being done, or how it ended.
        step, steps: how many are done, and how many there are.
        loss: of the last step.
        held_out: the last measurement of what is held out.
        tokens_per_s: tokens computed, as far as this run goes.
        seconds_left: until the last step.
        fault: what went wrong, in words.
    """

    state: State
    step: int = 0
    steps: int = 0
    loss: float | None = None
    held_out: float | None = None
    tokens_per_s: float = 0.0
    seconds_left: float = 0.0
    fault: str = ""

    @property
    def done(self) -> int:
        return self.step

    @property
    def total(self) -> int:
        return self.steps

    def __str__(self) -> str:
        parts = [f"step {self.step:,} of {self.steps:,}"]
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        if self.held_out is not None:
            parts.append(f"held out {self.held_out:.3f}")
        if self.tokens_per_s:
            parts.append(f"{self.tokens_per_s:,.0f} tokens/s, {in_words(self.seconds_left)} left")
        return ", ".join(parts)


def in_words(seconds: float) -> str:
    """A time for a person: "40 s", "12 min", "3 h 20 min"."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def write_progress(folder: Path, standing: Standing) -> None:
    """Write progress.json; readers see the old one or the new one. A disk that does not take it
    ends no training: a checkpoint that cannot be written does."""
    with contextlib.suppress(OSError):
        write_whole(folder / "progress.json", json.dumps(asdict(standing)))


class ProgressTeller(TrainerCallback):
    """Tells how far a training is, marks whole checkpoints, and ends it where that is asked for.

    Args:
        folder: where progress.json and log.jsonl go.
        name: of the model.
        line: on the terminal.
        epoch_tokens: of all rows together.
        wants_stop: whether somebody has asked for the end.
        mark: is told the folder of each checkpoint that is whole.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        line: ProgressLine,
        epoch_tokens: int,
        wants_stop: Callable[[], bool],
        mark: Callable[[Path], None],
    ) -> None:
        self._folder, self._name, self._line = folder, name, line
        self._epoch_tokens, self._wants_stop, self._mark = epoch_tokens, wants_stop, mark
        self._started, self._first_step, self._first_epoch = 0.0, 0, 0.0
        self._loss: float | None = None
        self._held_out: float | None = None
        self.standing = Standing("training")

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._started = time.monotonic()
        self._first_step, self._first_epoch = state.global_step, state.epoch or 0.0
        self._tell(state)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._tell(state)
        if self._wants_stop():
            control.should_save = control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        logs = logs or {}
        entry: dict[str, Any] = {"step": state.global_step}
        if "loss" in logs:
            self._loss = float(logs["loss"])
            entry |= {"loss": self._loss, "learning_rate": logs.get("learning_rate")}
        elif "eval_loss" in logs:
            self._held_out = float(logs["eval_loss"])
            entry |= {"held_out": self._held_out}
        else:
            return
        with (
            contextlib.suppress(OSError),
            (self._folder / "log.jsonl").open("a", encoding="utf-8") as file,
        ):
            file.write(json.dumps(entry) + "\n")
        self._tell(state)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._mark(Path(str(args.output_dir), f"checkpoint-{state.global_step}"))

    def _tell(self, state: TrainerState) -> None:
        seconds = time.monotonic() - self._started
        done = state.global_step - self._first_step
        epochs = (state.epoch or 0.0) - self._first_epoch
        left = seconds / done * (state.max_steps - state.global_step) if done else 0.0
        self.standing = Standing(
            "training",
            state.global_step,
            state.max_steps,
            self._loss,
            self._held_out,
            epochs * self._epoch_tokens / seconds if done else 0.0,
            left,
        )
        write_progress(self._folder, self.standing)
        self._line(self._name, self.standing)
