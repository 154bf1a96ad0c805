"""The files of assets/ that the page is made of."""

from llama_ui.settings import ROOT

ASSETS = ROOT / "assets"
SCRIPTS = ASSETS / "js"
STYLES = [ASSETS / "css" / f"{name}.css" for name in ("style", "sidebar", "markdown", "inspect")]
