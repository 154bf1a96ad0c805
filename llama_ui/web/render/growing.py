"""Markdown of a reply while it grows: each block is rendered for good once the next one begins."""

from llama_ui.web.render.markdown import render_markdown, render_plain, split_last_block

# A block that grows is rendered again at each frame: a longer one is shown plain until it is whole.
_MAX_GROWING = 8_000  # characters


class GrowingMarkdown:
    """The text of one reply, which only gets longer."""

    def __init__(self) -> None:
        self._settled = 0

    def add(self, text: str) -> tuple[str, str]:
        """Take the whole text so far.

        Returns:
            HTML of the blocks that became whole since the last call, and of the growing one.
        """
        rest = text[self._settled :]
        start = split_last_block(rest)
        self._settled += start
        whole, last = rest[:start], rest[start:]
        growing = render_plain(last) if len(last) > _MAX_GROWING else render_markdown(last)
        return render_markdown(whole), growing
