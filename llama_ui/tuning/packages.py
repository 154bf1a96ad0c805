"""Whether the packages of a training are installed. Imports none of them."""

from importlib.util import find_spec

from llama_ui.errors import ModelError


def check_packages() -> None:
    """Raises ModelError that names the command which installs what is missing."""
    for name in ("peft", "trl", "datasets", "pyarrow"):
        if find_spec(name) is None:
            raise ModelError(
                f"Teaching a model needs the package {name}.",
                "Run `.venv/bin/pip install -r requirements-tuning.txt`.",
            )
