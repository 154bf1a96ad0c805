"""What can go wrong between here and the Hugging Face Hub, and what is said about it.

What the Hub answers (status, X-Error-Code, text) was compared with huggingface_hub 2.4 and with
answers of the real Hub that others have published; tests/engine/hub/server.py gives the same.
"""

import errno
import os
import re
from collections.abc import Iterator

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from llama_ui.errors import ModelError

TOKENS = "https://huggingface.co/settings/tokens"
LOG_IN = f"make a read token on {TOKENS}, run `hf auth login`, and start again."
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


def explain(source: str, revision: str | None, error: Exception) -> ModelError:
    """The sentence for what went wrong with a model of the Hub.

    Args:
        source: its Hub id.
        error: from huggingface_hub, from the network below it, or from the disk.
    """
    # huggingface_hub wraps what it met into "not found in the cache": the cause says more.
    causes = [*_chain(error)]
    for cause in causes:
        fault = (
            _of_access(source, cause)
            or _of_name(source, revision, cause)
            or _of_disk(source, cause)
        )
        if fault is not None:
            return fault
    for cause in causes:
        fault = _of_server(source, cause) or _of_network(source, cause)
        if fault is not None:
            return fault
    if "Consistency check failed" in str(error):
        return damaged(source, "A file")
    return ModelError(
        f"{source} could not be downloaded ({_first_line(error)}).",
        "Start again; what has arrived whole is kept.",
    )


def place() -> str:
    """The address of the Hub, or of the mirror that HF_ENDPOINT names, without a password."""
    return re.sub(r"//[^/@]*@", "//", constants.ENDPOINT)


def damaged(source: str, name: str) -> ModelError:
    """A file that arrived with other bytes than the Hub has."""
    return ModelError(
        f"{name} of {source} arrived damaged and was thrown away.",
        "Start again: only what is missing is downloaded.",
    )


def disk_full(source: str, needed: str, free: str) -> ModelError:
    """There is not enough room for a download; both sizes in words."""
    return ModelError(
        f"{source} needs {needed} on the disk of {constants.HF_HUB_CACHE}, where {free} are free.",
        "Make room there, or set HF_HOME to a folder on a larger disk.",
    )


def is_unreachable(error: Exception) -> bool:
    """Whether the Hub gave no answer at all."""
    return any(_of_network("", cause) for cause in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _of_access(source: str, error: BaseException) -> ModelError | None:
    """The token, and what it gives access to."""
    page = f"https://huggingface.co/{source}"
    if isinstance(error, httpx2.LocalProtocolError | UnicodeEncodeError):
        # Its own text would quote the token.
        return ModelError(
            "Your Hugging Face token holds characters that no token has.",
            f"Copy it again from {TOKENS}, without line breaks, and run `hf auth login`.",
        )
    if not isinstance(error, HfHubHTTPError):
        return None
    status, said = error.response.status_code, str(error).lower()
    has_token = "authorization" in error.response.request.headers
    if "fine-grained token" in said:
        return ModelError(
            "Your Hugging Face token is not allowed to read gated models.",
            f"Edit it on {TOKENS}: allow read access to public gated repositories.",
        )
    if status == 401 and has_token:
        return ModelError(
            "Hugging Face does not accept your token: it is mistyped, expired or revoked.",
            "Correct the variable HF_TOKEN, which goes before the log-in."
            if os.environ.get("HF_TOKEN")
            else f"Make a new one on {TOKENS} and run `hf auth login --force`.",
        )
    if isinstance(error, DisabledRepoError):
        return ModelError(f"{source} has been disabled on the Hub.", f"See {page}.")
    if not isinstance(error, GatedRepoError):
        return None
    if not has_token:
        return ModelError(
            f"{source} is gated: only accounts that were granted access may download it.",
            f"Accept its licence on {page}, {LOG_IN}",
        )
    if "awaiting" in said:
        return ModelError(
            f"Your request for {source} still waits for its authors.",
            f"They answer by mail; {page} shows where it stands. Then start again.",
        )
    if "rejected" in said:
        return ModelError(
            f"The authors of {source} have refused your request.",
            f"Choose another model; {page} may say why.",
        )
    return ModelError(
        f"{source} is gated, and your account has not been granted it.",
        f"Accept its licence on {page}, wait for the approval, and start again.",
    )


def _of_name(source: str, revision: str | None, error: BaseException) -> ModelError | None:
    if isinstance(error, RevisionNotFoundError):
        return ModelError(
            f"{source} has no revision {revision!r}.",
            f"https://huggingface.co/{source}/tree/main lists its branches; "
            "without --revision the newest is used.",
        )
    if isinstance(error, RemoteEntryNotFoundError):
        return ModelError(
            f"A file of {source} is listed by the Hub but not there.",
            "Start again in a few minutes; it may just have been changed.",
        )
    if is_unknown(error):
        return ModelError(
            f"There is no model {source} on the Hugging Face Hub, or it is private.",
            "Check the spelling, capitals included; a private model needs `hf auth login`.",
        )
    return None


def is_unknown(error: BaseException) -> bool:
    """Whether the Hub has nothing of this name, or nothing that this account may know of."""
    is_hidden = isinstance(error, HfHubHTTPError) and error.response.status_code == 401
    return is_hidden or isinstance(error, RepositoryNotFoundError)


def no_such_model(source: str, kind: str = "model") -> ModelError:
    """A name that stands neither for a folder nor for a Hub id."""
    example = ", for example meta-llama/Llama-2-7b-chat-hf" if kind == "model" else ""
    return ModelError(
        f"There is no {kind} {source!r}: no folder here, and no possible name on the Hub.",
        f"Name a folder, or {'an' if kind == 'adapter' else 'a'} {kind} as on its page{example}.",
    )


def _of_disk(source: str, error: BaseException) -> ModelError | None:
    number = error.errno if isinstance(error, OSError) else None
    # hf_xet reports it as text only.
    if number in _DISK_FULL or "No space left on device" in str(error):
        return ModelError(
            f"The disk became full while {source} was downloaded.",
            f"Make room for {constants.HF_HUB_CACHE}, or set HF_HOME to a folder on a larger disk, "
            "and start again.",
        )
    if number in _READ_ONLY:
        return ModelError(
            f"Nothing can be written to the model cache, {constants.HF_HUB_CACHE}.",
            "Change its owner or its permissions, or set HF_HOME to a folder of yours.",
        )
    return None


def _of_server(source: str, error: BaseException) -> ModelError | None:
    if not isinstance(error, HfHubHTTPError):
        return None
    status = error.response.status_code
    if status == 429:
        wait = error.response.headers.get("Retry-After", "")
        minutes = -(-int(wait) // 60) if wait.isdigit() else 0
        when = "a few minutes" if minutes == 0 else f"{minutes} minute{'s' * (minutes > 1)}"
        return ModelError(
            "The Hugging Face Hub takes no more requests from here for now (rate limit).",
            f"Start again in {when}; those who run `hf auth login` may ask more often.",
        )
    if status >= 500:
        return ModelError(
            f"The Hugging Face Hub has a fault of its own (error {status}).",
            "Start again later; https://status.huggingface.co says how it is.",
        )
    return ModelError(
        f"The Hugging Face Hub refuses {source} (error {status}).",
        f"See whether https://huggingface.co/{source} can be opened.",
    )


def _of_network(source: str, error: BaseException) -> ModelError | None:
    if isinstance(error, OfflineModeIsEnabled):
        return ModelError(
            f"HF_HUB_OFFLINE is set, and no complete copy of {source} is on this machine.",
            "Unset it and start again, or choose --model pocket, which needs no network.",
        )
    if isinstance(error, httpx2.TimeoutException):
        return ModelError(
            "The Hugging Face Hub does not answer in time.",
            "Start again; what has arrived whole is kept.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ModelError(
            "The certificate of the Hugging Face Hub is not trusted here.",
            "Behind a proxy that reads along, name its certificate in SSL_CERT_FILE.",
        )
    if isinstance(error, httpx2.TransportError):
        return ModelError(
            f"The Hugging Face Hub cannot be reached, and no complete copy of {source} is on this "
            "machine.",
            "Check the network, or choose --model pocket, which needs none.",
        )
    return None


def _first_line(error: Exception) -> str:
    """What the error says of itself, without a token, and of a URL without password and query."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    for secret in filter(None, (get_token(),)):
        text = text.replace(secret, "…")
    return re.sub(r"hf_\w+|\?\S+|(?<=//)[^/@\s]*@", "…", text)[:200]
