"""llama.cpp in its child: the numbers are right, and no crash of it costs more than a moment."""

import copy
import os
import random
import signal
import subprocess
import sys
import threading

import psutil
import pytest
import torch

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.gguf.forward import GgufForward
from llama_ui.engine.gguf.loader import load_gguf
from llama_ui.engine.gguf.memory import choose_size, gguf_need
from llama_ui.engine.gguf.reader import read_gguf
from llama_ui.engine.gguf.source import find_gguf
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.errors import EngineError, ModelError
from llama_ui.prompt.plan import PlanOptions
from llama_ui.settings import MODELS, ROOT
from tests.gguf import llama_metadata, llama_tensors, pocket_vocabulary, write_gguf
from tests.sizes import examples
from tests.smollm2 import smollm2 as path_of_smollm2

QUESTION = [{"role": "user", "content": "Tell me a story about the sea."}]
SEEDED = Sampling(temperature=1.2, max_new_tokens=24, seed=7)


def text_of(reply) -> str:
    return "".join(chunk.text for chunk in reply)


def child_of(engine) -> int:
    return engine._scheduler._forward._process.pid


def last_logits(forward, ids: list[int], row: int = 0) -> torch.Tensor:
    forward(torch.tensor([ids[:-1]]), torch.arange(len(ids) - 1)[None], row, 0)
    place = torch.tensor([[len(ids) - 1]])
    return forward(torch.tensor([ids[-1:]]), place, row, 0)[0, -1].clone()


@pytest.fixture
def forward(pocket_path):
    forward = load_gguf(pocket_path).allocate(3)[0]
    yield forward
    forward.close()


@pytest.fixture
def engine(pocket_path):
    engine = LocalEngine(load_gguf(pocket_path), slots=3)
    yield engine
    engine.close()


def test_the_logits_are_those_of_torch(forward, loaded):
    ids = [1, *range(300, 700, 7)]
    model = loaded.model.dequantize().float()
    with torch.inference_mode():
        expected = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
    assert last_logits(forward, ids).log_softmax(-1) == pytest.approx(expected, abs=0.02)


def test_rows_copies_and_exchanges_change_not_a_bit(forward):
    ids = [1, *range(400, 460)]
    expected = last_logits(forward, ids)
    assert torch.equal(last_logits(forward, ids, row=2), expected)
    forward.copy(2, 1, 30)
    forward.swap(1, 0, 30)
    forward(torch.tensor([ids[30:-1]]), torch.arange(30, len(ids) - 1)[None], 0, 0)
    tokens, places = torch.tensor([[5], [ids[-1]]]), torch.tensor([[0], [len(ids) - 1]])
    forward.swap(0, 2, 61)
    forward.swap(2, 1, 61)
    both = forward(tokens, places, 0, 0)
    assert torch.equal(both[1, -1], expected)
    assert not torch.equal(both[0, -1], expected)


def test_a_row_that_fills_the_batch_is_not_fed(forward):
    ids = [1, 400, 500, 600]
    expected = last_logits(forward, ids, row=1)
    tokens = torch.tensor([[0], [ids[-1]]])
    places = torch.tensor([[forward.scratch], [3]])
    assert torch.equal(forward(tokens, places, 0, 0)[1, -1], expected)


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_in_mid_reply_costs_no_byte(engine, how):
    """Of the reply, of the one beside it, or of the numbers that were drawn."""
    other = [{"role": "user", "content": "Count from one to twenty."}]
    plans = [engine.plan(messages, SEEDED) for messages in (QUESTION, other)]
    expected = [text_of(engine.submit(plan, SEEDED)) for plan in plans]
    replies = [engine.submit(plan, SEEDED) for plan in plans]
    chunks = iter(replies[0])
    head = "".join(next(chunks).text for _ in range(5))
    os.kill(child_of(engine), how)
    assert head + "".join(chunk.text for chunk in chunks) == expected[0]
    assert text_of(replies[1]) == expected[1]


def test_crashes_at_any_moment_lose_nothing(engine):
    plan = engine.plan(QUESTION, SEEDED, PlanOptions(owner="me"))
    expected = text_of(engine.submit(plan, SEEDED))
    for moment in range(examples(6)):
        reply = engine.submit(plan, SEEDED)
        timer = threading.Timer(0.02 * moment, os.kill, [child_of(engine), signal.SIGKILL])
        timer.start()
        assert text_of(reply) == expected
        timer.join()


def test_a_child_that_died_while_nobody_asked_starts_again(engine):
    plan = engine.plan(QUESTION, SEEDED, PlanOptions(owner="me"))
    expected = text_of(engine.submit(plan, SEEDED))
    os.kill(child_of(engine), signal.SIGKILL)
    assert text_of(engine.submit(plan, SEEDED)) == expected


def test_a_reply_that_always_crashes_ends_and_the_engine_goes_on(engine):
    plan = engine.plan(QUESTION, SEEDED)
    # By its form it cannot end before it has crashed.
    long = Sampling(max_new_tokens=1500).with_form(AnswerForm("pattern", "[a-z ]{900}"))
    reply = engine.submit(plan, long)
    with pytest.raises(EngineError, match="again and again"):
        for chunk in reply:
            if chunk.text:
                os.kill(child_of(engine), signal.SIGKILL)
    assert text_of(engine.submit(plan, SEEDED))


def test_a_file_that_is_gone_at_a_restart_is_told(pocket_path, tmp_path):
    path = tmp_path / "gone.gguf"
    path.write_bytes(pocket_path.read_bytes())
    engine = LocalEngine(load_gguf(path), slots=1)
    plan = engine.plan(QUESTION, SEEDED)
    path.unlink()
    os.kill(child_of(engine), signal.SIGKILL)
    with pytest.raises(ModelError, match=r"cannot load gone\.gguf"):
        text_of(engine.submit(plan, SEEDED))
    path.write_bytes(pocket_path.read_bytes())
    assert text_of(engine.submit(plan, SEEDED))
    engine.close()


def test_the_child_ends_with_its_engine_and_with_the_application(pocket_path):
    engine = LocalEngine(load_gguf(pocket_path), slots=1)
    child = psutil.Process(child_of(engine))
    engine.close()
    assert not child.is_running()
    code = (
        "import os, sys; from pathlib import Path; from llama_ui.engine.gguf.loader import *;"
        "f, _ = load_gguf(Path(sys.argv[1])).allocate(1); print(f._process.pid, flush=True);"
        "os._exit(0)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(pocket_path)], cwd=ROOT, capture_output=True, check=True
    )
    with pytest.raises(psutil.NoSuchProcess):
        psutil.Process(int(told.stdout)).wait(20)
        raise psutil.NoSuchProcess(0)


def test_the_child_is_told_no_secret(pocket_path, monkeypatch):
    monkeypatch.setenv("LLAMA_UI_API_KEY", "a-secret-of-the-operator")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    forward = load_gguf(pocket_path).allocate(1)[0]
    environment = psutil.Process(forward._process.pid).environ()
    forward.close()
    assert not {"LLAMA_UI_API_KEY", "HF_TOKEN"} & environment.keys()


def test_mutations_never_end_the_page(tiny_path, tmp_path):
    """Wrong numbers where they do most harm: llama.cpp may refuse or crash, we say so."""
    chance, data = random.Random(3), tiny_path.read_bytes()
    weights = data.index(b"output_norm.weight")
    path = tmp_path / "broken.gguf"
    for _ in range(examples(12)):
        broken = bytearray(data)
        for _ in range(3):
            at = chance.choice([chance.randrange(60, 700), chance.randrange(weights, len(data))])
            broken[at : at + 4] = chance.randbytes(4)
        path.write_bytes(broken)
        try:
            forward = load_gguf(path, slots=1).allocate(1)[0]
        except ModelError:
            continue
        forward.close()


def test_a_model_in_parts_is_one_model(tiny_path, tiny_model, tmp_path):
    tensors = llama_tensors(tiny_model, torch.float16)
    metadata = {**llama_metadata(tiny_model.config), **pocket_vocabulary()}
    names = sorted(tensors)
    for number, part in enumerate((names[:5], names[5:])):
        split = {"split.no": number, "split.count": 2, "split.tensors.count": len(names)}
        path = tmp_path / f"tiny-{number + 1:05}-of-00002.gguf"
        shown = {**metadata, **split} if number == 0 else split
        write_gguf(path, shown, {name: tensors[name] for name in part})
    ids = [1, 400, 500, 600]
    whole = load_gguf(tiny_path).allocate(1)[0]
    expected = last_logits(whole, ids)
    whole.close()
    loaded = load_gguf(path)  # any part will do
    assert loaded.info.name == "tiny"
    forward = loaded.allocate(1)[0]
    assert torch.equal(last_logits(forward, ids), expected)
    forward.close()
    # As the Hub's cache has them: links with these names to files with others.
    for number in (1, 2):
        part = tmp_path / f"tiny-{number:05}-of-00002.gguf"
        part.rename(tmp_path / f"blob{number}")
        part.symlink_to(tmp_path / f"blob{number}")
    forward = load_gguf(part).allocate(1)[0]
    assert torch.equal(last_logits(forward, ids), expected)
    forward.close()
    part.unlink()
    with pytest.raises(ModelError, match="part 2 of 2"):
        load_gguf(tmp_path / "tiny-00001-of-00002.gguf")


def test_an_adapter_changes_the_model(tiny_path, tiny_model, tmp_path):
    torch.manual_seed(2)
    a, b = torch.randn(4, 64), torch.randn(64, 4)
    kind = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
    name = "blk.1.attn_output.weight"
    adapter = write_gguf(
        tmp_path / "pirate.gguf",
        {**kind, "adapter.lora.alpha": 4.0},
        {f"{name}.lora_a": a, f"{name}.lora_b": b},
    )
    ids = [1, 400, 500, 600]
    loaded = load_gguf(tiny_path, adapter=str(adapter))
    assert loaded.info.adapter == "pirate"
    forward = loaded.allocate(1)[0]
    ours = last_logits(forward, ids)
    forward.close()
    merged = copy.deepcopy(tiny_model).float()
    with torch.inference_mode():
        merged.model.layers[1].self_attn.o_proj.weight += b @ a
        expected = merged(torch.tensor([ids])).logits[0, -1]
        plain = tiny_model(torch.tensor([ids])).logits[0, -1]
    assert ours == pytest.approx(expected, abs=0.03)
    assert ours != pytest.approx(plain, abs=0.03)
    with pytest.raises(ModelError, match="is no LoRA adapter"):
        load_gguf(tiny_path, adapter=str(tiny_path))
    with pytest.raises(ModelError, match="is no GGUF file"):
        load_gguf(tiny_path, adapter="assets/pirate-adapter")


def test_a_context_above_the_trained_one_is_refused(tiny_path):
    with pytest.raises(ModelError, match="trained for 512 tokens"):
        load_gguf(tiny_path, context_length=513)
    assert load_gguf(tiny_path, context_length=512).window == 512


@pytest.mark.parametrize(("length", "slots"), [(2048, 1), (2048, 4), (512, 2)])
def test_memory_is_estimated_within_a_tenth(length, slots):
    loaded = load_gguf(path_of_smollm2(), context_length=length, slots=slots)
    forward = loaded.allocate(slots)[0]
    for row in range(slots):
        last_logits(forward, [1, *range(300, 600)], row)
    held = psutil.Process(forward._process.pid).memory_info().rss
    forward.close()
    need = gguf_need(loaded.file, length, slots, GgufForward.chunk)
    assert need.total == pytest.approx(held, rel=0.1)


def test_what_fits_is_taken_and_what_does_not_is_told():
    file = read_gguf(path_of_smollm2())
    assert choose_size(file, None, None, 256, free=8_000_000_000) == (8192, 4)
    assert choose_size(file, 2048, 1, 256, free=8_000_000_000) == (2048, 1)
    length, slots = choose_size(file, None, None, 256, free=800_000_000)
    assert gguf_need(file, length, slots, 256).total < 450_000_000
    with pytest.raises(ModelError, match=r"does not fit .* It fits with --slots 1 and --context"):
        choose_size(file, 8192, 4, 256, free=700_000_000)
    with pytest.raises(ModelError, match="fewer bits"):
        choose_size(file, None, None, 256, free=300_000_000)


def test_a_name_stands_for_a_file(tiny_path, tmp_path):
    assert find_gguf(MODELS["smollm2"]) == path_of_smollm2()
    assert find_gguf(str(tiny_path)) == tiny_path
    assert find_gguf(str(tiny_path.parent)) == tiny_path
    assert find_gguf(MODELS["pocket"]) is None
    assert find_gguf("meta-llama/Llama-2-7b-chat-hf") is None
    with pytest.raises(ModelError, match="no file"):
        find_gguf(str(tmp_path / "absent.gguf"))


def test_neither_transformers_nor_bitsandbytes_is_imported(pocket_path):
    code = (
        "import sys; from pathlib import Path; from llama_ui.engine.local.engine import *;"
        "from llama_ui.engine.gguf.loader import load_gguf;"
        "engine = LocalEngine(load_gguf(Path(sys.argv[1])), slots=1);"
        "options = Sampling(max_new_tokens=3);"
        "plan = engine.plan([{'role': 'user', 'content': 'Hi'}], options);"
        "assert list(engine.submit(plan, options))[-1].finish_reason; engine.close();"
        "print({'transformers', 'bitsandbytes', 'gradio'} & sys.modules.keys())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(pocket_path)], cwd=ROOT, capture_output=True, check=True
    )
    assert told.stdout.decode().strip() == "set()"
