"""End a reply where a stop word begins. Pure."""

from collections.abc import Sequence


class StopWords:
    """Passes text on, up to the first stop word, whichever pieces it comes in.

    Args:
        words: each ends the text; none of it is passed on.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._held = ""
        self.found = False

    def add(self, text: str) -> str:
        """The text that no stop word can still begin in."""
        if self.found:
            return ""
        text, self._held = self._held + text, ""
        starts = [start for word in self._words if (start := text.find(word)) >= 0]
        if starts:
            self.found = True
            return text[: min(starts)]
        held = self._beginning(text)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """The text held back, when nothing follows."""
        text, self._held = self._held, ""
        return text

    def _beginning(self, text: str) -> int:
        """How many characters at the end may be the beginning of a stop word."""
        longest = min(max(map(len, self._words), default=1) - 1, len(text))
        for length in range(longest, 0, -1):
            if any(word.startswith(text[-length:]) for word in self._words):
                return length
        return 0
