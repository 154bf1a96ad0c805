"""Whether the packages of a training are installed. Imports none of them."""

from importlib.util import find_spec

from llama_ui.errors import ModelError
from llama_ui.installation import how_to_install


def check_packages() -> None:
    """Raises ModelError that names the command which installs what is missing."""
    for name in ("peft", "trl", "datasets", "pyarrow"):
        if find_spec(name) is None:
            raise ModelError(
                f"Teaching a model needs the package {name}.",
                how_to_install("tuning"),
            )
