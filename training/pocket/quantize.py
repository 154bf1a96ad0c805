"""Pack trained bfloat16 weights into the shipped folder: calibrated, 4-bit NF4, small shards.

python -m training.pocket.quantize --weights DIR --tokenizer DIR --out assets/pocket-llama
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    GenerationConfig,
    LlamaForCausalLM,
)

LOGIT_SCALE = 0.5  # chosen by measurement, see LOG.md; a power of two is exact in bfloat16
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def calibrate(model: LlamaForCausalLM, scale: float) -> None:
    """Multiply all logits by `scale`, through the weight of the last norm.

    The model is too sure of itself: at temperature 1.2 it would hardly differ from 0.7. A scale
    below 1 lets every temperature act as temperature / scale; the likeliest token stays the same.
    """
    with torch.no_grad():
        model.model.norm.weight.mul_(scale)


def quantize(weights: Path, tokenizer: Path, out: Path, scale: float = LOGIT_SCALE) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("*.safetensors"), *out.glob("*.safetensors.index.json")]:
        old.unlink()
    model = AutoModelForCausalLM.from_pretrained(
        weights,
        dtype=torch.bfloat16,
        device_map="cpu",
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ),
    )
    calibrate(model, scale)
    model.generation_config = GenerationConfig(
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        do_sample=True,
        temperature=0.7,
        top_p=0.9,
        top_k=50,
        max_new_tokens=300,
    )
    # Saved before the first forward pass: on a CPU that pass repacks the weights in memory, and
    # what would be saved after it is not quite the same.
    model.save_pretrained(out, max_shard_size="9MB")
    probe = torch.arange(1, 200)[None]
    with torch.inference_mode():
        before = model(probe).logits
    for name in TOKENIZER_FILES:
        if (tokenizer / name).resolve() != (out / name).resolve():
            shutil.copy(tokenizer / name, out / name)
    again = AutoModelForCausalLM.from_pretrained(out, device_map="cpu")
    with torch.inference_mode():
        if not torch.equal(before, again(probe).logits):
            raise SystemExit("the reloaded model does not give the same logits")
    config = json.loads((out / "config.json").read_text())
    config.pop("_name_or_path", None)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    total = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {total / 1e6:.2f} MB in {len(list(out.iterdir()))} files")
    if total > 12_000_000 or any(f.stat().st_size > 10_000_000 for f in out.iterdir()):
        raise SystemExit("over the size limits: 12 MB in all, 10 MB a file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("weights", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=LOGIT_SCALE, help="factor on all logits")
    args = parser.parse_args()
    quantize(args.weights, args.tokenizer, args.out, args.scale)


if __name__ == "__main__":
    main()
