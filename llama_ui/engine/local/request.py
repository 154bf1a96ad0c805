"""One request on its way through the engine."""

import random
import secrets
from collections import Counter
from dataclasses import dataclass, field, replace

import torch

from llama_ui.chat.sampling import LIMITS, Sampling
from llama_ui.engine.local.grammar import Guide
from llama_ui.engine.local.slots import Slot
from llama_ui.engine.local.streamer import ReplyStreamer
from llama_ui.engine.reply import FinishReason, Reply, Token
from llama_ui.errors import ChatError
from llama_ui.prompt.llama2 import Tokenizer
from llama_ui.prompt.plan import PromptPlan


@dataclass(eq=False, slots=True)
class Request:
    """A prompt that becomes a reply, token by token.

    Args:
        ids: the prompt, and behind it what has been drawn so far.
        prompt_tokens: how many of them are the prompt.
        sampling: its options, the seed decided.
        owner: whose request it is: slots are reused within an owner only.
        public: how many tokens at the start are no secret of the owner's.
        reply: what the reader holds.
        streamer: turns drawn ids into chunks.
        numbers: the generator of this request's own uniform numbers: neighbours do not matter.
        slot: where its keys and values are, once it has one.
        num_computed_tokens: how many of the ids have their keys and values in the slot.
        is_decoding: whether it has taken part in a decode step.
        ending: how it ends, if a token that was taken ends it.
        losses: how often the forward pass was lost while it took part.
        times_drawn: how often each token has been drawn.
        guide: says what may come next, where the reply must have a form.
        fault: what ends it, where its form cannot be kept to any more.
    """

    ids: list[int]
    prompt_tokens: int
    sampling: Sampling
    owner: str
    public: int
    reply: Reply
    streamer: ReplyStreamer
    numbers: random.Random
    slot: Slot | None = None
    num_computed_tokens: int = 0
    is_decoding: bool = False
    ending: FinishReason | None = None
    losses: int = 0
    times_drawn: Counter[int] = field(default_factory=Counter)
    guide: Guide | None = None
    fault: ChatError | None = None

    @classmethod
    def create(
        cls,
        plan: PromptPlan,
        sampling: Sampling,
        tokenizer: Tokenizer,
        guide: Guide | None = None,
    ) -> "Request":
        """A new request; without a seed it draws one, so that the reply can be repeated."""
        largest = int(LIMITS["seed"][1])
        seed = secrets.randbelow(largest + 1) if sampling.seed is None else sampling.seed
        ids, reply = plan.ids, Reply()
        return cls(
            ids=ids,
            prompt_tokens=len(ids),
            sampling=replace(sampling, seed=seed),
            owner=plan.owner,
            public=plan.public_tokens,
            reply=reply,
            streamer=ReplyStreamer(
                tokenizer,
                reply,
                len(ids),
                seed,
                sampling.stop,
                plan.begun,
                plan.splitter(has_form=guide is not None),
            ),
            numbers=random.Random(seed),
            guide=guide,
        )

    @property
    def is_prefilling(self) -> bool:
        """Whether more of the prompt than its last token is still to be fed."""
        return self.num_computed_tokens < len(self.ids) - 1

    @property
    def has_ended(self) -> bool:
        """Whether its last token ends it, even if nobody has been told yet."""
        return self.ending is not None

    def mask(self) -> torch.Tensor | None:
        """Which tokens may come next, where the reply must have a form."""
        if self.guide is None:
            return None
        try:
            return self.guide.mask()
        except ChatError as fault:
            self.fault = self.fault or fault
            return None

    def restart(self) -> None:
        """Begin again with the prompt and what has been drawn; the next draw is the one that was
        to come: one number a token. What the penalties look at is not lost."""
        self.num_computed_tokens = 0
        self.numbers = random.Random(self.sampling.seed)
        for _ in range(len(self.ids) - self.prompt_tokens):
            self.numbers.random()

    def take(self, token: Token, end_tokens: frozenset[int], window: int) -> None:
        """Go on with a drawn token, or end with it; one below 0 (no number) is never fed."""
        if token.id < 0:
            self.ending = "stop"
            return
        self.ids.append(token.id)
        self.times_drawn[token.id] += 1
        is_full = len(self.ids) >= window
        if token.id in end_tokens or (self.guide is not None and self.guide.take(token.id)):
            self.ending = "stop"
        elif is_full or len(self.ids) - self.prompt_tokens >= self.sampling.max_new_tokens:
            self.ending = "length"

    def accept(self, token: Token) -> FinishReason | None:
        """Stream a token that was taken; says how the reply ends if it ends with it."""
        self.streamer.put_token(token)
        return "stop" if self.streamer.has_stopped else self.ending
