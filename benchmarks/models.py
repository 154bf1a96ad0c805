"""Models to measure with: Pocket Llama, and Llama 2 shapes with random weights.

A shape is quantised layer by layer where it will run: in bfloat16 the 70B one fits nowhere.
Speed and memory do not depend on what the weights are.
"""

import json
import time
from pathlib import Path

import bitsandbytes as bnb
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models
from transformers import (
    BitsAndBytesConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from llama_ui.engine.base import EngineInfo
from llama_ui.engine.loading.loader import LoadedModel, load_model
from llama_ui.engine.loading.shape import LLAMA_2
from llama_ui.prompt.formats import CompletionFormat
from llama_ui.settings import MODELS

VOCABULARY = 32_000
CONTEXT = 4_096


def load(shape: str, gpus: int) -> LoadedModel:
    """Pocket Llama as it is shipped, or a Llama 2 shape over so many GPUs."""
    if shape == "pocket":
        return load_model(MODELS["pocket"])
    started = time.perf_counter()
    config = _config(shape)
    layers = config.num_hidden_layers
    with torch.device("meta"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    torch.manual_seed(0)
    first, last = torch.device("cuda", 0), torch.device("cuda", gpus - 1)
    model.model.embed_tokens = _random(model.model.embed_tokens, first)
    for number, layer in enumerate(model.model.layers):
        device = torch.device("cuda", number * gpus // layers)
        for name, module in list(layer.named_modules()):
            if isinstance(module, torch.nn.Linear):
                parent = layer.get_submodule(name.rpartition(".")[0])
                setattr(parent, name.rpartition(".")[2], _nf4(module, device))
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            _ones(norm, device)
    _ones(model.model.norm, last)
    model.lm_head = _random(model.lm_head, last)
    model.model.rotary_emb = type(model.model.rotary_emb)(config=config).to(first)
    model.eval().requires_grad_(False)
    torch.cuda.synchronize()
    print(f"built {shape} on {gpus} GPU(s) in {time.perf_counter() - started:.1f} s")
    info = EngineInfo(f"Llama 2 {shape} shape", "4-bit NF4", torch.cuda.get_device_name(), CONTEXT)
    tokenizer = _tokenizer()
    return LoadedModel(model, tokenizer, CompletionFormat(tokenizer), info)


def write(shape: str, folder: Path) -> None:
    """A checkpoint of a Llama 2 shape: in bfloat16, but the 70B one as bitsandbytes saves 4-bit."""
    config = _config(shape)
    with torch.device("meta"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    device, files = torch.device("cuda"), {}
    is_saved_quantised = shape == "70b"
    for number, layer in enumerate([None, *model.model.layers]):
        tensors = {}
        prefix = f"model.layers.{number - 1}." if layer else ""
        for name, weight in (layer or model).named_parameters():
            if layer is None and name.startswith("model.layers."):
                continue
            if layer and is_saved_quantised and weight.dim() == 2:
                linear = _nf4(layer.get_submodule(name.removesuffix(".weight")), device)
                tensors |= linear.state_dict(prefix=prefix + name.removesuffix("weight"))
            elif weight.dim() == 2:
                random = torch.randn(weight.shape, device=device, dtype=torch.bfloat16)
                tensors[prefix + name] = random * 0.02
            else:
                tensors[prefix + name] = torch.ones(weight.shape, dtype=torch.bfloat16)
        file = f"model-{number:05}.safetensors"
        save_file({name: t.cpu().contiguous() for name, t in tensors.items()}, folder / file)
        files |= dict.fromkeys(tensors, file)
    index = {"metadata": {}, "weight_map": files}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    if is_saved_quantised:
        config.quantization_config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ).to_dict()
    config.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)


def _config(shape: str) -> LlamaConfig:
    return LlamaConfig(**LLAMA_2[shape], rms_norm_eps=1e-5, tie_word_embeddings=False)


def _nf4(module: torch.nn.Linear, device: torch.device) -> bnb.nn.Linear4bit:
    linear = bnb.nn.Linear4bit(
        module.in_features,
        module.out_features,
        bias=False,
        compute_dtype=torch.bfloat16,
        quant_type="nf4",
        device="meta",
    )
    weight = torch.randn(module.weight.shape, device=device, dtype=torch.bfloat16) * 0.02
    linear.weight = bnb.nn.Params4bit(
        weight, requires_grad=False, quant_type="nf4", compress_statistics=True
    ).to(device)
    return linear


def _random(module: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    weight = torch.randn(module.weight.shape, device=device, dtype=torch.bfloat16) * 0.02
    module.weight = torch.nn.Parameter(weight, requires_grad=False)
    return module


def _ones(norm: torch.nn.Module, device: torch.device) -> None:
    norm.weight = torch.nn.Parameter(torch.ones(norm.weight.shape, device=device).bfloat16())


def _tokenizer() -> PreTrainedTokenizerFast:
    """A vocabulary of the right size; what the tokens say does not matter."""
    words = {f"w{number} ": number for number in range(VOCABULARY)}
    words["<s>"], words["</s>"] = words.pop("w1 "), words.pop("w2 ")
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0 "))
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="w0 "
    )
