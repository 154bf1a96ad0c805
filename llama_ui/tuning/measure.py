"""What a model thinks of replies: how likely each token of them is to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import torch
import torch.nn.functional as F

from llama_ui.tuning.dataset import IGNORE, Example, Pair, Row


@dataclass(frozen=True, slots=True)
class Measured:
    """How likely held-out replies are to a model.

    Args:
        loss: nats a token of the replies (of pairs, of the preferred ones).
        pairs: how many pairs there are.
        preferred: in how many of them the preferred reply is the likelier one, as a whole.
    """

    loss: float
    pairs: int = 0
    preferred: int = 0

    @property
    def perplexity(self) -> float:
        """How many tokens it hesitates between, as it were."""
        return exp(min(self.loss, 50.0))

    def __str__(self) -> str:
        text = f"loss {self.loss:.3f}, perplexity {self.perplexity:,.2f}"
        if not self.pairs:
            return text
        return f"{self.preferred} of {self.pairs} preferred replies likelier, {text}"


def measure(model: Any, rows: Sequence[Row]) -> Measured:
    """Measure one row after another, which takes the least memory."""
    total, tokens, pairs, preferred = 0.0, 0, 0, 0
    was_training = model.training
    model.eval()
    for row in rows:
        chosen = row.sides[0] if isinstance(row, Pair) else row
        likelihood = log_likelihood(model, chosen)
        total, tokens = total + likelihood, tokens + chosen.learned
        if isinstance(row, Pair):
            pairs += 1
            preferred += likelihood > log_likelihood(model, row.sides[1])
    model.train(was_training)
    return Measured(-total / tokens, pairs, preferred)


@torch.no_grad()
def log_likelihood(model: Any, example: Example) -> float:
    """Nats of the tokens that are learned, as a whole."""
    ids = torch.tensor([example.ids], device=model.device)
    labels = torch.tensor(example.labels[1:], device=model.device)
    # Logits of what is learned alone: a vocabulary is wide.
    at = labels != IGNORE
    first = int(at.nonzero()[0]) if at.any() else len(labels)
    logits = model(input_ids=ids, logits_to_keep=len(labels) + 1 - first).logits[0, :-1]
    loss = F.cross_entropy(logits.float(), labels[first:], ignore_index=IGNORE, reduction="sum")
    return -float(loss)
