"""The streamer of one request: token ids in from the engine, chunks out to the reader."""

import time
from collections.abc import Sequence

from llama_ui.chat.thinking import ThoughtSplitter
from llama_ui.engine.local.detokenizer import Detokenizer
from llama_ui.engine.reply import Chunk, FinishReason, Reply, Stats, Token
from llama_ui.engine.stopwords import StopWords
from llama_ui.prompt.llama2 import Tokenizer


class ReplyStreamer:
    """Turns the tokens of one request into chunks: lossless, linear in the length of the reply.

    transformers' TextIteratorStreamer decodes the whole reply at every token, drops a space after
    each newline with Llama tokenizers, holds a word back until the next space, and leaves its
    reader waiting for ever when the worker fails.

    Args:
        tokenizer: a fast tokenizer.
        reply: takes the chunks.
        prompt_tokens: length of the prompt, for the statistics.
        seed: of the sampling, for the statistics.
        stop: words that end the reply.
        begun: tokens of the reply that stand in the prompt already.
        splitter: tells thinking apart; None passes all on as text.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        reply: Reply,
        prompt_tokens: int,
        seed: int | None,
        stop: Sequence[str] = (),
        begun: Sequence[int] = (),
        splitter: ThoughtSplitter | None = None,
    ) -> None:
        self._reply = reply
        self._splitter = splitter
        self._decoder = Detokenizer(tokenizer, begun)
        self._stop = StopWords(stop)
        self._prompt_tokens = prompt_tokens
        self.reused_tokens = 0
        self._seed = seed
        self._tokens = 0
        self._started = time.perf_counter()
        self._first_token = self._started

    def put_token(self, token: Token) -> None:
        """Take one drawn token."""
        if not self._tokens:
            self._first_token = time.perf_counter()
        self._tokens += 1
        thought, text = self._split(self._decoder.add(token.id), 1)
        self._reply.put(Chunk(self._stop.add(text), (token,), thought))

    def _split(self, text: str, tokens: int) -> tuple[str, str]:
        return self._splitter.add(text, tokens) if self._splitter else ("", text)

    @property
    def has_stopped(self) -> bool:
        """Whether a stop word has ended the text."""
        return self._stop.found

    def last_chunk(self, reason: FinishReason) -> Chunk:
        """The rest of the text, why the reply ended, and the statistics."""
        now, tokens = time.perf_counter(), self._tokens
        decoding = now - self._first_token
        stats = Stats(
            prompt_tokens=self._prompt_tokens,
            reused_tokens=self.reused_tokens,
            reply_tokens=tokens,
            first_token_s=self._first_token - self._started,
            tokens_per_s=(tokens - 1) / decoding if tokens > 1 and decoding > 0 else 0.0,
            seed=self._seed,
            thought_tokens=self._splitter.tokens if self._splitter else 0,
            thought_s=self._splitter.seconds if self._splitter else 0.0,
        )
        thought, text = self._split(self._decoder.finish(), 0)
        held = self._splitter.finish() if self._splitter else ("", "")
        rest = self._stop.add(text + held[1]) + self._stop.finish()
        return Chunk(rest, (), thought + held[0], finish_reason=reason, stats=stats)
