"""The files of assets/ that the page is made of."""

from llama_ui.settings import ROOT

ASSETS = ROOT / "assets"


def script(*names: str) -> str:
    """The scripts of these names, one after the other, in one scope."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in names)
