"""What this machine has: Python, packages, GPU, and the arithmetic of 4-bit layers.

Only the standard library is imported at first: that a package is missing is a finding.
"""

import logging
import re
import shutil
import sys
import threading
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version

from llama_ui.doctor.check import Check, Finding, examine
from llama_ui.engine.progress import size_in_words
from llama_ui.errors import ModelError
from llama_ui.installation import REINSTALL, REQUIREMENTS

log = logging.getLogger(__name__)

_OLDEST_PYTHON = (3, 11)
_SIZE = 256  # rows and columns of the layer that is tried
_TOLERANCE = 0.02


def checks(is_pocket: bool) -> dict[str, Check]:
    """What to look at, by name.

    Args:
        is_pocket: whether it is for Pocket Llama, which needs no GPU.
    """
    return {
        "Python": _python,
        "Packages": _packages,
        "GPU": partial(_gpu, is_pocket),
        "bitsandbytes": _bitsandbytes,
    }


def check_before_load(is_pocket: bool) -> None:
    """Raises ModelError when this machine cannot run a model; what is only a pity is logged."""
    for name, check in checks(is_pocket).items():
        # A load imports the same packages, and has no limit either.
        for finding in examine(name, check, limit_s=threading.TIMEOUT_MAX):
            if finding.status == "failed":
                problem = f"{finding.name}: {finding.found.rstrip('.')}."
                raise ModelError(problem, finding.next_step)
            if finding.status == "warning":
                log.warning("%s: %s. %s", finding.name, finding.found, finding.next_step)


def _python() -> list[Finding]:
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return [Finding("Python", "failed", running, "Install Python 3.11 or later.")]
    return [Finding("Python", "ok", running)]


def _packages() -> list[Finding]:
    # Lines with a marker (extras, other systems, no GPU) are left out.
    lines = (
        REQUIREMENTS.read_text()
        if REQUIREMENTS.is_file()
        else "\n".join(requires("llama-ui") or ())
    )
    pins = re.findall(r"^([\w.-]+)==(\S+)$", lines, re.MULTILINE)
    absent, others = [], []
    for name, wanted in pins:
        try:
            # A build may carry a suffix: torch 2.13.0+cpu.
            installed = version(name).partition("+")[0]
        except PackageNotFoundError:
            absent.append(name)
            continue
        if installed != wanted:
            others.append(f"{name} {installed} instead of {wanted}")
    if absent:
        return [Finding("Packages", "failed", f"missing: {', '.join(absent)}", REINSTALL)]
    if others:
        return [Finding("Packages", "warning", "; ".join(others), REINSTALL)]
    return [Finding("Packages", "ok", f"all {len(pins)} as required")]


def _gpu(is_pocket: bool) -> list[Finding]:
    """Which GPUs there are, and their free memory; without one, why."""
    import torch

    if torch.cuda.is_available():
        cards = []
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            name = torch.cuda.get_device_name(index)
            cards.append(f"{name}, {size_in_words(free)} of {size_in_words(total)} free")
        return [Finding("GPU", "ok", "; ".join(cards))]
    if is_pocket:
        return [Finding("GPU", "ok", "none: Pocket Llama runs on the CPU")]
    if shutil.which("nvidia-smi") is None:
        found = (
            "No GPU found; replies will be slow",
            "Pocket Llama is made for CPUs: --model pocket.",
        )
    elif torch.version.cuda is None:
        build = torch.__version__.partition("+")[0]
        found = (
            "there is one, but this torch is built for CPUs",
            f"Run `pip install --force-reinstall torch=={build}`.",
        )
    else:
        found = (
            f"torch, built for CUDA {torch.version.cuda}, finds none",
            "Run `nvidia-smi`: if it shows an older CUDA version or an error, update the driver.",
        )
    return [Finding("GPU", "warning", *found)]


def _bitsandbytes() -> list[Finding]:
    """One real product with a 4-bit layer, against the same with its weights unpacked."""
    import torch

    name, device = "bitsandbytes", "cuda" if torch.cuda.is_available() else "cpu"
    reinstall = "Run `pip install --force-reinstall -r requirements.txt`."
    try:
        off = _error_of_a_product(device)
    except torch.OutOfMemoryError:
        problem, step = "the memory of the GPU is full", "Close what `nvidia-smi` lists."
        return [Finding(name, "failed", problem, step)]
    except RuntimeError as error:
        first = str(error).partition("\n")[0][:200]
        return [Finding(name, "failed", f"a 4-bit product on {device} fails ({first})", reinstall)]
    if not off < _TOLERANCE:
        problem = f"a 4-bit product on {device} is wrong by {off:.0%}"
        return [Finding(name, "failed", problem, reinstall)]
    return [Finding(name, "ok", f"a 4-bit product on {device} is right")]


def kernels() -> list[Finding]:
    """Whether our own kernels run on each GPU; a load that finds them unusable goes on without."""
    import torch

    from llama_ui.engine.local.kernels import nf4, step

    if not torch.cuda.is_available():
        return [Finding("Kernels", "skipped", "they are for GPUs")]
    devices = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    reasons = [unusable(device) for device in devices for unusable in (nf4.unusable, step.unusable)]
    if any(reasons):
        next_step = (
            "Nothing has to be done: the model runs with bitsandbytes' products, more slowly."
        )
        return [Finding("Kernels", "warning", "; ".join(filter(None, reasons)), next_step)]
    return [Finding("Kernels", "ok", "our 4-bit products and steps are right")]


def _error_of_a_product(device: str) -> float:
    import torch
    from bitsandbytes import functional, matmul_4bit  # type: ignore[attr-defined]

    random = torch.Generator().manual_seed(0)
    weight, x = (torch.randn(_SIZE, _SIZE, generator=random).to(device) for _ in range(2))
    packed, state = functional.quantize_4bit(weight, quant_type="nf4")
    wanted = x @ functional.dequantize_4bit(packed, state).t()
    return float((matmul_4bit(x, packed.t(), state) - wanted).norm() / wanted.norm())
