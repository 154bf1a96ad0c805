"""What a model thinks before it answers, where it writes that between `<think>` tags.

Models of the R1 kind do; some templates write the first tag themselves.
"""

import time

OPEN, CLOSE = "<think>", "</think>"


def with_thinking(thinking: str, answer: str) -> str:
    """A reply as the model wrote it."""
    return f"{OPEN}\n{thinking}\n{CLOSE}\n\n{answer}" if thinking else answer


class ThoughtSplitter:
    """Tells thinking apart from the answer, whichever pieces the text of a reply comes in. Only
    what stands at its very beginning is thinking: a tag in an answer is text.

    Args:
        is_open: whether the prompt has written the first tag.

    Attributes:
        tokens: how many were drawn up to the end of thinking.
        seconds: how long that took.
    """

    def __init__(self, is_open: bool = False) -> None:
        self._is_open, self._held = is_open, ""
        self._state = "before"
        self._drawn, self._started = 0, time.monotonic()
        self.tokens, self.seconds = 0, 0.0

    def add(self, text: str, tokens: int = 0) -> tuple[str, str]:
        """What is certain by now: (thinking, answer).

        Args:
            tokens: how many were drawn for it.
        """
        self._drawn += tokens
        if self._state == "answer":
            return "", text
        text, self._held = self._held + text, ""
        if self._state == "before":
            text = self._begin(text)
        thought = self._think(text) if self._state == "thinking" else ("", text)
        if self._state == "after":
            thought = thought[0], thought[1].lstrip()
        if thought[1]:
            self._state = "answer"
        return thought

    def finish(self) -> tuple[str, str]:
        """What was held back, when nothing follows."""
        held, self._held = self._held, ""
        return (held, "") if self._state == "thinking" or self._is_open else ("", held)

    def _begin(self, text: str) -> str:
        """Find out what the reply begins with; what is behind a first tag."""
        begin = text.lstrip()
        if OPEN.startswith(begin):
            self._held = text
            return ""
        if begin.startswith(OPEN) or self._is_open:
            self._state = "thinking"
            return begin.removeprefix(OPEN).lstrip()
        self._state = "answer"
        return text

    def _think(self, text: str) -> tuple[str, str]:
        thought, tag, answer = text.partition(CLOSE)
        self.tokens, self.seconds = self._drawn, time.monotonic() - self._started
        if tag:
            self._state = "after"
            return thought.rstrip(), answer
        # What may be the beginning of the tag, and the space in front of it.
        begun = next(n for n in range(len(CLOSE) - 1, -1, -1) if text.endswith(CLOSE[:n]))
        thought = text[: len(text) - begun].rstrip()
        self._held = text[len(thought) :]
        return thought, ""
