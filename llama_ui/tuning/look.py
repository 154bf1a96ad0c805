"""A look at the data before a training: how much it is, how long, and three examples. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

from llama_ui.tuning.dataset import IGNORE, Example, Row, TrainingData
from llama_ui.tuning.readers import Skipped

_BARS = 8  # of the histogram
_BAR_CHARS = 40
_SHOWN = 3  # examples, and skipped rows of each kind
_EXAMPLE_CHARS = 600

Decode = Callable[[Sequence[int]], str]


def describe(data: TrainingData, decode: Decode, marks: tuple[str, str]) -> str:
    """The data in words and pictures, for a terminal.

    Args:
        decode: gives the text of tokens, control tokens spelled out.
        marks: what stands before and behind the tokens that are learned.
    """
    tokens, learned = (
        sum(getattr(row, name) for row in data.rows) for name in ("tokens", "learned")
    )
    kind = "replies to learn" if data.method == "sft" else "pairs of replies to compare"
    lines = [
        f"{data.chats:,} chats with {data.replies:,} {kind}: {len(data.rows):,} rows with "
        f"{tokens:,} tokens, of which {learned:,} are trained; {len(data.held_out):,} rows are "
        "held out.",
        *_left_out(data),
        "",
        *_histogram([row.tokens for row in data.rows]),
        "",
        f"Trained is what stands between {marks[0]}these marks{marks[1]}:",
    ]
    for row in data.train[:_SHOWN]:
        lines += ["", *_shown(row, decode, marks)]
    return "\n".join(lines)


def _left_out(data: TrainingData) -> list[str]:
    lines = []
    if data.duplicates:
        lines.append(f"{data.duplicates:,} duplicates are left out.")
    if data.cut:
        lines.append(f"{data.cut:,} replies lose their oldest exchanges, which do not fit.")
    if data.method == "sft" and data.edited:
        lines.append(
            f"{data.edited:,} replies were edited: --tune-method dpo learns to prefer them to "
            "what stood before."
        )
    if data.skipped:
        lines.append(f"{len(data.skipped):,} are skipped:")
        lines += _reasons(data.skipped)
    return lines


def _reasons(skipped: Sequence[Skipped]) -> list[str]:
    """One line for each reason, with the first places."""

    def reason(one: Skipped) -> str:
        return one.reason

    lines = []
    for why, group in groupby(sorted(skipped, key=reason), reason):
        places = [printable(one.place) for one in group]
        more = f" and {len(places) - _SHOWN:,} more" if len(places) > _SHOWN else ""
        lines.append(f"  {printable(why)}: {'; '.join(places[:_SHOWN])}{more}")
    return lines


def _histogram(lengths: Sequence[int]) -> list[str]:
    """How many rows are how long, in steps of the same width."""
    width = -(-max(lengths) // _BARS)
    counts = Counter((length - 1) // width for length in lengths)
    most = max(counts.values())
    lines = ["Length in tokens:"]
    for step in range(min(counts), max(counts) + 1):
        bar = "█" * -(-_BAR_CHARS * counts[step] // most)
        span = f"{step * width + 1:,} to {(step + 1) * width:,}"
        lines.append(f"  {span:>16}  {bar} {counts[step]:,}")
    return lines


def _shown(row: Row, decode: Decode, marks: tuple[str, str]) -> list[str]:
    """An example with its trained tokens marked; of a pair both, the preferred first."""
    if isinstance(row, Example):
        return [_marked(row, decode, marks)]
    chosen, rejected = (_marked(side, decode, marks) for side in row.sides)
    return [f"chosen:   {chosen}", f"rejected: {rejected}"]


def _marked(example: Example, decode: Decode, marks: tuple[str, str]) -> str:
    parts = []
    position = 0
    for is_read, labels in groupby(example.labels, IGNORE.__eq__):
        length = len([*labels])
        text = printable(decode(example.ids[position : position + length]))
        if is_read and len(text) > _EXAMPLE_CHARS:
            text = f"{text[: _EXAMPLE_CHARS // 2]} […] {text[-_EXAMPLE_CHARS // 2 :]}"
        parts.append(text if is_read else f"{marks[0]}{text}{marks[1]}")
        position += length
    return "".join(parts)


def printable(text: str) -> str:
    """A text from anywhere, without what would command a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
