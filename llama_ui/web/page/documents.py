"""The text of a PDF or a .docx file, read in a process of its own; it never lies on a disk."""

import json
import logging
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llama_ui.chat.attachments import MAX_ATTACHMENT_CHARS
from llama_ui.confined import run_confined
from llama_ui.errors import BusyError, ChatError, DialogError

# Its libraries are for the other process; here they would only make the start slower.
if TYPE_CHECKING:
    from llama_ui.web.page.document_reader import Fault, Found

log = logging.getLogger(__name__)

_READER = Path(__file__).with_name("document_reader.py")
# It ends itself between two pages after 2 seconds; these end one that does not.
_CPU_S, _MEMORY, _WAIT_S = 4, 1_000_000_000, 20.0

_COMPLEX = DialogError("The file is too complex to be read.", "Attach its text instead.")
_FAULTS: "dict[Fault, ChatError]" = {
    "kind": DialogError("It is neither a PDF nor a .docx file.", "Attach text, or save it as one."),
    "locked": DialogError(
        "The PDF is locked with a password.", "Save a copy without one and attach that."
    ),
    "damaged": DialogError("The file is damaged.", "Open it elsewhere and save it anew."),
    "complex": _COMPLEX,
    "long": DialogError(
        f"The file has more than {MAX_ATTACHMENT_CHARS:,} characters.", "Attach a part of it."
    ),
}
_NO_TEXT = DialogError(
    "There is no text in the file; it may be pictures of pages.",
    "Have its text recognised (OCR) first.",
)


def read_document(raw: bytes) -> dict[str, Any]:
    """The text of a file, and how many of its `pages` could be `read`; called from a thread.

    Raises:
        DialogError: there is no text to be had.
        BusyError: this machine has too much to do.
    """
    if not raw:
        raise DialogError("The file is empty.", "Choose another one.")
    try:
        answer = run_confined(str(_READER), raw, _CPU_S, _MEMORY, _WAIT_S)
    except subprocess.CalledProcessError as fault:
        if fault.returncode > 0:  # not one of its limits
            log.error("a file could not be read: exit code %d", fault.returncode)
        raise _COMPLEX.fresh() from None
    except (subprocess.TimeoutExpired, OSError):
        raise BusyError("The file could not be read in time.", "Try again in a moment.") from None
    found: Found = json.loads(answer)
    if found["fault"]:
        raise _FAULTS[found["fault"]].fresh()
    text = found["text"].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not text.strip():
        raise _NO_TEXT.fresh()
    return {"text": text, "read": found["read"], "pages": found["pages"]}
