"""Choose the next token of every row at once; runs inside a CUDA graph.

Order and meaning of the options are those of transformers' generate: repetition penalty (Keskar
et al. 2019), frequency and presence penalty (OpenAI's definition), temperature, top_k, top_p
(Holtzman et al. 2020), min_p (Nguyen et al. 2024). The draw is by inverse CDF from one uniform
number a row, so a row's choice depends on nothing but its own logits and number.
"""

from dataclasses import dataclass

import torch

from llama_ui.engine.local.kernels.step import largest


@dataclass(frozen=True, slots=True)
class RowOptions:
    """The options of the rows of a batch, each a float32 tensor [rows], named as in Sampling."""

    uniform: torch.Tensor  # the number that decides the draw, in [0, 1)
    temperature: torch.Tensor
    top_p: torch.Tensor
    top_k: torch.Tensor
    min_p: torch.Tensor
    repetition_penalty: torch.Tensor
    presence_penalty: torch.Tensor
    frequency_penalty: torch.Tensor


def penalize(
    logits: torch.Tensor, seen: torch.Tensor, drawn: torch.Tensor, options: RowOptions
) -> torch.Tensor:
    """Make tokens less probable that stand in the prompt or the reply already.

    Args:
        logits: [rows, vocabulary].
        seen: which tokens the prompt or the reply of a row holds, bool, [rows, vocabulary].
        drawn: how often the reply of a row holds each token, float32, [rows, vocabulary].
    """
    penalty = options.repetition_penalty[:, None]
    # At least 1, so the lower of the two is the quotient above 0 and the product below.
    lowered = torch.minimum(logits / penalty, logits * penalty)
    penalized = torch.where(seen, lowered, logits)
    # As OpenAI defines them, in the order of vLLM.
    penalized.addcmul_(drawn, -options.frequency_penalty[:, None])
    return penalized.addcmul_(drawn.clamp(max=1), -options.presence_penalty[:, None])


def sample(logits: torch.Tensor, options: RowOptions, candidates: int) -> torch.Tensor:
    """Draw one token a row; the most probable one where the temperature is 0.

    Args:
        logits: [rows, vocabulary], float32.
        candidates: how many of the best tokens to look at; at least the largest top_k.

    Returns:
        Token ids, [rows]; -1 where the best logit is not a finite number.
    """
    best, ids = largest(logits, candidates)
    is_greedy = options.temperature == 0
    temperature = options.temperature.masked_fill(is_greedy, 1.0)
    rank = torch.arange(best.shape[-1], device=best.device)
    scaled = (best / temperature[:, None]).masked_fill(rank >= options.top_k[:, None], -torch.inf)
    probabilities = scaled.softmax(-1)
    cumulative = probabilities.cumsum(-1)
    # A token stays while the more probable ones before it do not reach top_p yet.
    kept = (cumulative - probabilities < options.top_p[:, None]) & (probabilities > 0)
    kept &= probabilities >= options.min_p[:, None] * probabilities[:, :1]
    total = torch.where(kept, cumulative, 0.0).amax(-1)
    threshold = (options.uniform * total)[:, None]
    choice = (kept & (cumulative <= threshold)).sum(-1)
    # Rounding may put the number at the very end: the last kept token then. A row that is not a
    # number keeps none: it must not reach outside, where it would end the rows beside it.
    choice = torch.minimum(choice, kept.sum(-1) - 1).clamp(min=0)
    drawn = ids.gather(-1, choice[:, None])[:, 0]
    drawn = torch.where(is_greedy, logits.argmax(-1), drawn)
    # NaN counts as the largest, so one anywhere in a row comes first.
    return torch.where(best[:, 0].isfinite(), drawn, -1)
