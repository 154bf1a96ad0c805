"""Models to measure with: Pocket Llama, and Llama 2 shapes with random weights.

A shape is quantised layer by layer where it will run: in bfloat16 the 70B one fits nowhere.
Speed and memory do not depend on what the weights are.
"""

import time

import bitsandbytes as bnb
import torch
from tokenizers import Tokenizer, decoders, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from llama_ui.chat_template import CompletionFormat
from llama_ui.engine.base import EngineInfo
from llama_ui.engine.loader import LoadedModel, load_model
from llama_ui.settings import MODELS

# hidden, intermediate, layers, heads, key-value heads: from the published config.json files.
SHAPES = {
    "7b": (4096, 11008, 32, 32, 32),
    "13b": (5120, 13824, 40, 40, 40),
    "70b": (8192, 28672, 80, 64, 8),
}
VOCABULARY = 32_000
CONTEXT = 4_096


def load(shape: str, gpus: int) -> LoadedModel:
    """Pocket Llama as it is shipped, or a Llama 2 shape over so many GPUs."""
    if shape == "pocket":
        return load_model(MODELS["pocket"])
    started = time.perf_counter()
    hidden, intermediate, layers, heads, kv_heads = SHAPES[shape]
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
    )
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
