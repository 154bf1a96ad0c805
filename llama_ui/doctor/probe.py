"""What the doctor tries out on this machine: the GPU, and the arithmetic of 4-bit layers."""

import shutil

import torch

from llama_ui.doctor.findings import Finding
from llama_ui.engine.progress import size_in_words

_SIZE = 256  # rows and columns of the layer that is tried
_TOLERANCE = 0.02


def check_gpu(is_pocket: bool) -> Finding:
    """Which GPUs there are, and their free memory."""
    if torch.cuda.is_available():
        cards = []
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            name = torch.cuda.get_device_name(index)
            cards.append(f"{name}, {size_in_words(free)} of {size_in_words(total)} free")
        return Finding("GPU", "ok", "; ".join(cards))
    if is_pocket:
        return Finding("GPU", "ok", "none: Pocket Llama runs on the CPU")
    return Finding("GPU", "warning", *_why_there_is_none())


def _why_there_is_none() -> tuple[str, str]:
    if shutil.which("nvidia-smi") is None:
        return "none: replies will take long", "Pocket Llama is made for CPUs: --model pocket."
    version = torch.__version__.partition("+")[0]
    if torch.version.cuda is None:
        return (
            "there is one, but this torch is built for CPUs",
            f"Run `pip install --force-reinstall torch=={version}`.",
        )
    return (
        f"torch, built for CUDA {torch.version.cuda}, finds none",
        "Run `nvidia-smi`: if it shows an older CUDA version or an error, update the driver.",
    )


def check_bitsandbytes() -> Finding:
    """One real product with a 4-bit layer, against the same with its weights unpacked."""
    name, device = "bitsandbytes", "cuda" if torch.cuda.is_available() else "cpu"
    reinstall = "Run `pip install --force-reinstall -r requirements.txt`."
    try:
        off = _error_of_a_product(device)
    except torch.OutOfMemoryError:
        problem, step = "the memory of the GPU is full", "Close what `nvidia-smi` lists."
        return Finding(name, "failed", problem, step)
    except RuntimeError as error:
        first = str(error).partition("\n")[0][:200]
        return Finding(name, "failed", f"a 4-bit product on {device} fails ({first})", reinstall)
    if not off < _TOLERANCE:
        problem = f"a 4-bit product on {device} is wrong by {off:.0%}"
        return Finding(name, "failed", problem, reinstall)
    return Finding(name, "ok", f"a 4-bit product on {device} is right")


def _error_of_a_product(device: str) -> float:
    from bitsandbytes import functional, matmul_4bit  # type: ignore[attr-defined]

    random = torch.Generator().manual_seed(0)
    weight, x = (torch.randn(_SIZE, _SIZE, generator=random).to(device) for _ in range(2))
    packed, state = functional.quantize_4bit(weight, quant_type="nf4")
    wanted = x @ functional.dequantize_4bit(packed, state).t()
    return float((matmul_4bit(x, packed.t(), state) - wanted).norm() / wanted.norm())
