"""4-bit products of our own: the layout and the decisions on any machine, the numbers on a GPU."""

import pytest
import torch
import torch.nn.functional as F
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from bitsandbytes.nn.modules import Linear4bit, Params4bit

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.shape import LLAMA_2, ModelShape
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.engine.local.kernels import nf4
from llama_ui.engine.local.linear import GatedUp, Joined

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="the kernels need a GPU")
GPU = torch.device("cuda", 0)


def quantized(rows: int, columns: int, device, seed: int = 0):
    """Bytes and state as bitsandbytes has them, and the weights in float64 that they stand for."""
    generator = torch.Generator(device).manual_seed(seed)
    weight = torch.randn(rows, columns, generator=generator, device=device) * 0.02
    data, state = quantize_4bit(weight, blocksize=64, quant_type="nf4", compress_statistics=True)
    return data, state, dequantize_4bit(data, state).double()


def layer4bit(rows: int, columns: int, device, bias: bool = False, seed: int = 0):
    """A Linear4bit with double quantisation, as the loader makes it, and its exact weights."""
    generator = torch.Generator(device).manual_seed(seed)
    weight = torch.randn(rows, columns, generator=generator, device=device) * 0.02
    layer = Linear4bit(columns, rows, bias=bias, compute_dtype=torch.bfloat16, quant_type="nf4")
    layer.weight = Params4bit(weight, requires_grad=False, quant_type="nf4").to(device)
    if bias:
        values = torch.randn(rows, generator=generator, device=device).bfloat16()
        layer.bias = torch.nn.Parameter(values, requires_grad=False)
    return layer.to(device).eval(), dequantize_4bit(layer.weight.data, layer.weight.quant_state)


def error(got: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((got.double() - wanted).norm() / wanted.norm())


def random_input(rows: int, columns: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator(GPU).manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, device=GPU, dtype=torch.bfloat16)


def test_each_weight_lies_where_the_kernel_file_draws_it():
    rows, columns = 48, 192
    data, state, _ = quantized(rows, columns, "cpu")
    packed = nf4.pack(data, rows, columns)
    scales, unit = nf4.pack_scales(nf4.absmax_of(state), rows, columns)
    plain = data.flatten().tolist()
    absmax = nf4.absmax_of(state).view(rows, columns // 64)
    for row in range(rows):
        tile, g, r = row // 16, row % 8, row % 16 // 8
        for column in range(0, columns, 2):
            block, t = column // 64, column % 64 // 16
            s, h = column % 16 // 4, column % 4 // 2
            byte = packed[tile, block, 4 * g + t, 4 * s + 2 * h + r]
            assert int(byte) == plain[(row * columns + column) // 2]
            scale = float(scales[tile, block, g, r]) * unit
            assert scale == pytest.approx(float(absmax[row, block]), rel=2**-11)


def test_scales_keep_their_precision_however_small_they_are():
    absmax = torch.tensor([3e-7, 1e-5, 0.02, 0.0] * 16)
    scales, unit = nf4.pack_scales(absmax, 16, 256)
    held = scales.float().permute(0, 3, 2, 1).flatten() * unit
    assert torch.allclose(held, absmax, rtol=2**-11, atol=0)
    zeros, unit = nf4.pack_scales(torch.zeros(64), 16, 256)
    assert unit > 0
    assert zeros.count_nonzero() == 0


@pytest.mark.parametrize("shared_kb", [99, 163, 227])  # an RTX 3090 or 4090, an A100, an H100
@pytest.mark.parametrize("rows", [1, 8, 9, 16, 17, 32, 33, 64])
@pytest.mark.parametrize("is_paired", [False, True])
def test_a_tiling_divides_the_work_and_fits_every_gpu(shared_kb, rows, is_paired):
    shapes = [ModelShape.of(config) for config in LLAMA_2.values()]
    counts = {n // 16 for s in shapes for n in (s.hidden, s.intermediate, 3 * s.hidden)}
    for tiles in {*counts, 1, 2, 3, 43, 771}:
        chosen = nf4.tiling(tiles, rows, is_paired, shared_kb * 1024)
        assert chosen.shared <= shared_kb * 1024
        assert tiles % chosen.tiles == 0
        assert 1 <= chosen.warps <= 16
        assert chosen.row_tiles == 2 or not is_paired


def test_what_the_kernel_does_not_take_is_refused_with_a_reason():
    layer, _ = layer4bit(64, 128, "cpu")
    assert nf4.refusal(layer) == ""
    uneven, _ = layer4bit(40, 128, "cpu")
    assert "40 x 128" in nf4.refusal(uneven)
    layer.compute_dtype = torch.float32
    assert "float32" in nf4.refusal(layer)
    layer.compute_dtype = torch.bfloat16
    weight = torch.randn(64, 128)
    layer.weight = Params4bit(weight, requires_grad=False, quant_type="fp4").to("cpu")
    assert "NF4" in nf4.refusal(layer)


def test_on_a_cpu_a_model_stays_with_bitsandbytes(loaded):
    if loaded.model.device.type != "cpu":
        pytest.skip("the model is on a GPU")
    assert nf4.pack_model(loaded.model) == ""
    assert type(loaded.model.model.layers[0].self_attn.q_proj) is Linear4bit


@needs_gpu
@pytest.mark.parametrize("shape", [(4096, 4096), (48, 64), (272, 1088), (1024, 11008), (2576, 704)])
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 16, 31, 32, 33, 64, 65, 300])
def test_a_product_is_at_least_as_exact_as_bitsandbytes(shape, rows):
    assert nf4.unusable(GPU) == ""
    layer, exact = layer4bit(*shape, GPU)
    x = random_input(rows, shape[1])
    wanted = x.double() @ exact.double().t()
    theirs = error(x @ exact.bfloat16().t(), wanted)
    ours = nf4.pack_layer(layer)
    torch.cuda.synchronize()
    assert error(ours(x), wanted) < 1.03 * theirs


@needs_gpu
@pytest.mark.parametrize("rows", [1, 20, 64, 100])
def test_layers_side_by_side_with_biases_are_the_layers_one_by_one(rows):
    layers, wanted = [], []
    x = random_input(rows, 512)
    for number, size in enumerate((512, 128, 48)):
        layer, exact = layer4bit(size, 512, GPU, bias=number != 1, seed=number)
        part = x.double() @ exact.double().t()
        wanted.append(part if layer.bias is None else part + layer.bias)
        layers.append(nf4.pack_layer(layer))
    torch.cuda.synchronize()
    assert error(Joined(*layers)(x[None])[0], torch.cat(wanted, dim=-1)) < 4e-3


@needs_gpu
@pytest.mark.parametrize("tiles", [1, 3, 68])
@pytest.mark.parametrize("rows", [1, 8, 12, 40, 64, 65])
def test_gate_and_up_are_one_kernel_and_right(tiles, rows):
    (gate, gate_exact), (up, up_exact) = (layer4bit(16 * tiles, 576, GPU, seed=s) for s in (1, 2))
    x = random_input(rows, 576)
    one, other = (x.double() @ exact.double().t() for exact in (gate_exact, up_exact))
    layers = [nf4.pack_layer(each) for each in (gate, up)]
    torch.cuda.synchronize()
    assert error(GatedUp(*layers, torch.nn.SiLU())(x), F.silu(one) * other) < 6e-3
    wanted = F.gelu(one) * other
    assert error(GatedUp(*layers, torch.nn.GELU())(x), wanted) < 6e-3


@needs_gpu
def test_a_packed_model_says_what_bitsandbytes_says_and_can_be_packed_again(loaded):
    """Pocket Llama is sure of most tokens: only where two are nearly equal may they differ."""
    from llama_ui.engine.loading.loader import load_model
    from llama_ui.settings import MODELS

    model = load_model(MODELS["pocket"]).model
    ids = loaded.tokenizer("Hello, what can you do?", return_tensors="pt").input_ids.to(GPU)
    before = model(ids).logits
    assert nf4.pack_model(model) == ""
    after = model(ids).logits
    assert error(after, before.double()) < 2e-2
    assert nf4.pack_model(model) == ""
    assert torch.equal(model(ids).logits, after)


@needs_gpu
def test_an_adapter_comes_beside_the_product():
    peft = pytest.importorskip("peft")
    from llama_ui.engine.loading.loader import load_model
    from llama_ui.settings import MODELS

    model = load_model(MODELS["pocket"]).model
    config = peft.LoraConfig(target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    peft.get_peft_model(model, config).eval()
    ids = torch.randint(10, 4000, (1, 40), device=GPU)
    before = model(ids).logits
    nf4.pack_model(model)
    assert isinstance(model.model.layers[0].self_attn.q_proj.base_layer, nf4.NF4Linear)
    assert error(model(ids).logits, before.double()) < 3e-2


@needs_gpu
def test_layers_that_are_refused_stay_and_are_told(loaded):
    from llama_ui.engine.loading.loader import load_model
    from llama_ui.settings import MODELS

    fresh = load_model(MODELS["pocket"])
    fresh.model.model.layers[0].mlp.down_proj.compute_dtype = torch.float32
    engine = LocalEngine(fresh, slots=2)
    assert "bitsandbytes" in engine.info.notes[-1]
    assert type(fresh.model.model.layers[0].mlp.down_proj) is Linear4bit
    assert isinstance(fresh.model.model.layers[1].mlp.down_proj, nf4.NF4Linear)
    plan = engine.plan([{"role": "user", "content": "Hello"}], Sampling(temperature=0))
    said = "".join(c.text for c in engine.submit(plan, Sampling(temperature=0, max_new_tokens=20)))
    engine.close()
    assert said
