"""Hear how far transformers is with reading weights."""

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

from transformers.utils.logging import set_tqdm_hook

from llama_ui.engine.progress import Progress, Report

_LOOP = "Loading weights"  # how transformers 5 describes the bar over all weights of a model


@contextmanager
def reporting(report: Report) -> Iterator[None]:
    """While the block runs, report each weight that has reached its place, quantised.

    transformers wraps that loop in a progress bar, and lets others choose the bar.
    """

    def choose(factory: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs.get("desc") == _LOOP and args and isinstance(args[0], Sized):
            return _counted(args[0], report)
        return factory(*args, **kwargs)

    previous = set_tqdm_hook(choose)
    try:
        yield
    finally:
        set_tqdm_hook(previous)


def _counted(weights: Any, report: Report) -> Iterator[Any]:
    for done, weight in enumerate(weights):
        report(Progress("loading", done, len(weights)))
        yield weight
    report(Progress("loading", len(weights), len(weights)))
