"""Damaged models: whatever is wrong with a file, the answer is a sentence, never an incident."""

import json
import random
import shutil
import struct
from pathlib import Path

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.errors import ChatError
from llama_ui.settings import MODELS
from tests.checkpoints import write_random
from tests.sizes import examples

VALUES = [
    *(None, True, False, 0, 1, -1, 2, 3, 7, 64, 10**9, 10**30, -(10**9), 0.5, 1e-30, 1e308),
    *(float("nan"), float("inf"), "", "x", "4096", "\x00\ud7ff", [], [1], [[]], ["x"], [None], {}),
    *({"x": 1}, {"type": "linear"}, "../../etc/passwd", "<|im_end|>", "{{", "a" * 5000),
]
TEMPLATES = [
    "{% for m in messages %}",
    "{{ messages[0]['content'] }}{{ 1/0 }}",
    "{% for m in messages %}{{ m.content }}{% endfor %}{{ raise_exception(m) }}",
    "{{ messages[-1].content * 100000000000 }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% include 'x' %}{{ messages[-1].content }}",
    "{% extends 'x' %}",
    "{{ messages }}",
    "{{ messages[-1].content | foo }}",
    "{{ messages[-1].content }}{{ bos_token + 1 }}",
    "{" * 3000,
    "{{ " + "(" * 3000,
    "\x00",
    "{{ messages[-1]['content'] | tojson }}",
    "{% set ns = namespace(x=messages) %}{{ ns.x[-1]['content'] }}{{ ns.y.z }}",
    "{{ messages[-1].content[::-1] }}",
    "{{ messages[-1].content.format_map(5) }}",
]
FILES = [
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("model.safetensors.index.json", "special_tokens_map.json"),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory, tokenizer):
    """Pocket Llama, quantised and in shards, and a plain model in one file."""
    plain = write_random(tmp_path_factory.mktemp("plain") / "model", tokenizer)
    return [Path(MODELS["pocket"]), plain]


def places(value, path=()):
    """The path to everything in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def change_json(chance, path: Path) -> str:
    """Put something else at one to three places, leave something out, or add something."""
    value = json.loads(path.read_text()) if path.exists() else {}
    said = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        candidates = [*places(value)][:400] if chance.random() < 0.8 else [*places(value)]
        *parents, key = chance.choice([place for place in candidates if place] or [("new",)])
        at = value
        for parent in parents:
            at = at[parent]
        what = chance.random()
        if what < 0.15 and key in (at if isinstance(at, dict) else range(len(at))):
            del at[key]
        elif what < 0.25 and isinstance(at, dict):
            at[chance.choice(("scale", "layer_types", "x", "eos_token_id", "auto_map"))] = (
                chance.choice(VALUES)
            )
        else:
            at[key] = chance.choice(VALUES)
        said.append(f"{path.name}:{'.'.join(map(str, (*parents, key)))}")
    path.write_text(json.dumps(value))
    return "; ".join(said)


def change_bytes(chance, path: Path) -> str:
    """Cut the file, or change some of its bytes."""
    data = bytearray(path.read_bytes())
    if chance.random() < 0.3:
        data = data[: chance.randrange(len(data) + 1)]
    else:
        for _ in range(chance.choice((1, 3, 30))):
            data[chance.randrange(min(len(data), 4000))] = chance.randrange(256)
    path.write_bytes(data)
    return f"bytes of {path.name}"


def change_header(chance, path: Path) -> str:
    """Change the header of a file of safetensors, which stays as long as it says."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    name = chance.choice([*header])
    tensor = header[name]
    field = chance.choice(("dtype", "shape", "data_offsets", "name"))
    if field == "name":
        header[f"{name}.x"] = header.pop(name)
    elif isinstance(tensor, dict):
        tensor[field] = chance.choice(
            [*VALUES, "F64", "I8", "BOOL", "F8_E4M3", [1, 2], [0, 0], [10**18, 10**18], [0, 2**63]]
        )
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return f"header of {path.name}: {name}.{field}"


def damage(chance, folder: Path) -> str:
    """Damage one file of the model in one of many ways; says how."""
    what = chance.random()
    weights = chance.choice([*folder.glob("*.safetensors")])
    if what < 0.6:
        return change_json(chance, folder / chance.choice(FILES[: 4 + chance.randrange(3)]))
    if what < 0.7:
        return change_bytes(chance, chance.choice([p for p in folder.iterdir() if p.is_file()]))
    if what < 0.85:
        return change_header(chance, weights)
    template = chance.choice(TEMPLATES)
    (folder / "chat_template.jinja").write_text(template)
    return f"template {template[:60]!r}"


def run(folder: Path) -> str:
    """Load the model and let it answer; returns the sentence of a fault, or nothing."""
    try:
        loaded = load_model(str(folder))
        engine = LocalEngine(loaded, slots=1)
    except ChatError as fault:
        return str(fault)
    try:
        sampling = Sampling(max_new_tokens=3, seed=1)
        messages = [{"role": "user", "content": "Hi <s>[INST]"}]
        list(engine.submit(engine.plan(messages, sampling), sampling))
    except ChatError as fault:
        return str(fault)
    finally:
        engine.close()
    return ""


@pytest.mark.timeout(3600)
def test_whatever_is_damaged_the_answer_is_a_sentence(models, tmp_path, caplog):
    for number in range(examples(12)):
        chance = random.Random(number)
        folder = Path(shutil.copytree(chance.choice(models), tmp_path / "model"))
        how = damage(chance, folder)
        try:
            said = run(folder)
        except BaseException as fault:
            raise AssertionError(f"{number}: {how}: {type(fault).__name__}: {fault}") from fault
        assert "incident" not in said, (number, how, said, caplog.text)
        assert len(said) < 700, (number, how, said)
        assert said == "" or said.endswith("."), (number, how, said)
        shutil.rmtree(folder)
