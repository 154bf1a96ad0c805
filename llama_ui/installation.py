"""How this copy was installed, and how to install what is missing.

Only the standard library is imported here: it is asked when a package is missing.
"""

from pathlib import Path

# A checkout has it; an installed package has the list in its own description.
REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
_IN_CHECKOUT = REQUIREMENTS.is_file()
_AGAIN = "Run `pip install -r requirements.txt`" if _IN_CHECKOUT else "Install llama-ui"
REINSTALL = f"{_AGAIN} in the environment that you start it from."


def how_to_install(extra: str) -> str:
    """The command that installs what an optional part needs: gguf, adapters, tuning."""
    if _IN_CHECKOUT:
        return f"Run `.venv/bin/pip install -r requirements-{extra}.txt`, and start again."
    return f"Install llama-ui[{extra}] in its environment, and start again."
