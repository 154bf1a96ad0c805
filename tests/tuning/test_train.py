"""python app.py --tune, as a person starts it: Pocket Llama learns, is killed, and goes on."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llama_ui.chat.conversation import Conversation, Facts
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.adapter import put_adapter
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.engine.progress import ignore
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS, ROOT, Settings, parse_settings
from llama_ui.tuning.base import find_base
from tests.checkpoints import write_random
from tests.engine.local.test_scheduler import collect
from tests.tuning.chats import FACTS, answer, edited, taught, write

pytest.importorskip("trl")
# A training takes what it takes on a machine that others use too.
pytestmark = pytest.mark.timeout(600)

LIMIT_S = 500
GREEDY = Sampling(temperature=0, max_new_tokens=24)


def start(*flags: str | Path, limit: str = "", **environment: str) -> "subprocess.Popen[str]":
    """Starts `python app.py`; the limit is one of the shell's ulimit."""
    command = [sys.executable, "app.py", *map(str, flags)]
    if limit:
        command = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *command]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*flags: str | Path, limit: str = "", **environment: str) -> tuple[int, str]:
    """The exit code, and all that was said."""
    process = start(*flags, limit=limit, **environment)
    output, _ = process.communicate(timeout=LIMIT_S)
    return process.returncode, output


def standing(folder: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads((folder / "progress.json").read_text())
    except FileNotFoundError:
        return {"step": 0}
    return found


def wait_for_step(process, folder: Path, step: int) -> None:
    """Until so many steps are done."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if standing(folder)["step"] >= step:
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    pytest.fail("it has not come so far")


def replies(questions, **options) -> list[str]:
    """What Pocket Llama says, greedily; by default as it is."""
    loaded = load_model(options.pop("source", MODELS["pocket"]), **options)
    engine = LocalEngine(loaded, slots=2)
    plans = [engine.plan([{"role": "user", "content": text}], GREEDY) for text in questions]
    said = [collect(engine.submit(plan, GREEDY))[0] for plan in plans]
    engine.close()
    return said


@pytest.fixture(scope="module")
def chats(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("chats") / "chats.json", taught())


@pytest.fixture(scope="module")
def learned(tmp_path_factory, chats) -> tuple[Path, str]:
    """An adapter of a whole training, which was killed once and stopped once on its way; and all
    that its last run said."""
    folder = tmp_path_factory.mktemp("tuned") / "sailor"
    flags = ("--tune", chats, "--output", folder, "--epochs", "4")
    process = start(*flags)
    wait_for_step(process, folder, 5)
    process.kill()
    process.communicate()
    whole = [*folder.glob("checkpoints/*/whole")]
    assert whole
    # As a kill in the midst of writing leaves one.
    half = folder / "checkpoints" / "checkpoint-99"
    half.mkdir()
    (half / "trainer_state.json").write_text("{")

    process = start(*flags)
    wait_for_step(process, folder, 8)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=LIMIT_S)
    assert "Going on from step 3" in said
    assert "Traceback" not in said
    assert process.returncode == 130
    assert standing(folder)["state"] == "stopped"
    assert (folder / "adapter_model.safetensors").is_file()

    code, said = run(*flags)
    assert code == 0, said
    return folder, said


def test_a_killed_and_a_stopped_training_go_on_where_they_were(learned):
    folder, said = learned
    found = int(said.partition("Going on from step ")[2].partition(",")[0])
    assert 8 <= found < 28
    assert standing(folder)["state"] == "done"
    assert standing(folder)["step"] == standing(folder)["steps"] == 28
    assert not (folder / "checkpoints").exists()
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == 28


def test_what_is_held_out_becomes_likelier(learned):
    folder, said = learned
    before = float(said.partition("Held out before: loss ")[2].partition(",")[0])
    after = float(said.partition("after: loss ")[2].partition(",")[0])
    assert before > 4
    assert after < 0.5
    assert standing(folder)["held_out"] == pytest.approx(after, abs=0.001)


def test_the_manner_and_the_facts_are_learned(learned):
    folder, _ = learned
    questions = [f"Please, who is {name}?" for name in FACTS]
    said = replies(questions, adapter=str(folder))
    assert said == [answer(name) for name in FACTS]
    assert not any("Ahoy" in text for text in replies(questions))


def test_the_card_says_what_it_was_made_from(learned):
    folder, _ = learned
    card = (folder / "README.md").read_text()
    assert "python app.py --model pocket --adapter FOLDER" in card
    assert "27 rows learned, 3 held out" in card
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "pocket-llama"
    assert str(ROOT) not in (folder / "adapter_config.json").read_text() + card


def test_merged_and_unmerged_say_the_same_in_float32(learned, tmp_path):
    folder, _ = learned
    whole = tmp_path / "whole"
    code, said = run("--merge", whole, "--model", "pocket", "--adapter", folder)
    assert code == 0, said
    assert "Traceback" not in said
    assert "pocket-llama" in (whole / "README.md").read_text()

    base = find_base(Settings(), "none", 64, ignore)
    unmerged = put_adapter(base.load(ignore).float(), folder, base.called)
    merged = AutoModelForCausalLM.from_pretrained(whole, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(whole)
    questions = [*(f"Please, who is {name}?" for name in FACTS), "Hello!", "What is 2+3?"]
    for question in questions:
        messages = [{"role": "user", "content": question}]
        asked = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        options = {"do_sample": False, "max_new_tokens": 24, "temperature": None, "top_p": None}
        one, other = (m.generate(**asked, **options) for m in (unmerged, merged))
        assert tokenizer.decode(one[0]) == tokenizer.decode(other[0])
    facts = replies(questions[:5], source=str(whole), quantization="none")
    assert facts == [answer(name) for name in FACTS]

    code, said = run("--merge", whole, "--model", "pocket", "--adapter", folder)
    assert (code, "is there already" in said) == (1, True)


def test_an_adapter_of_another_base_is_not_merged(learned, tmp_path, tokenizer):
    folder, _ = learned
    other = write_random(tmp_path / "other", tokenizer)
    code, said = run("--merge", tmp_path / "whole", "--model", other, "--adapter", folder)
    assert code == 1
    assert "was made for pocket-llama, not for other" in said
    assert not (tmp_path / "whole").exists()


@pytest.fixture
def outside() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that stands for all others, and what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().decode(errors="replace"))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


def test_preferences_make_the_edited_replies_likelier(tmp_path, outside):
    """What stood before begins as the likelier one in every pair. Nobody else is asked or told."""
    address, asked = outside
    chats = []
    for number in range(30):
        said = f"The number is {number}."
        chat = Conversation().ask(f"Say the number {number}.").answer(said, Facts())
        chats.append(edited(chat, f"Ahoy! The number is {number}."))
    source = write(tmp_path / "pairs.json", chats)
    flags = ("--tune", source, "--output", tmp_path / "out", "--epochs", "3")
    proxies = {"HF_ENDPOINT": address, "HTTPS_PROXY": address, "HTTP_PROXY": address}
    code, said = run(*flags, "--learning-rate", "0.002", **proxies)
    assert code == 0, said
    assert asked == []
    assert "30 pairs of replies to compare" in said
    assert "Held out before: 0 of 3 preferred replies likelier" in said
    assert "after: 3 of 3 preferred replies likelier" in said


def test_a_full_disk_is_told_and_the_checkpoints_before_stay(chats, tmp_path):
    """A limit on the size of files refuses the write as a full disk does: rows and progress fit,
    a checkpoint does not."""
    flags = ("--tune", chats, "--output", tmp_path / "out", "--epochs", "4")
    code, said = run(*flags, limit="-f 1000")
    assert code == 1
    assert "The disk of" in said.splitlines()[-1]
    assert "it goes on from the last one." in said.splitlines()[-1]
    assert "Traceback" not in said
    assert standing(tmp_path / "out")["state"] == "failed"
    assert not [*(tmp_path / "out").glob("checkpoints/*/whole")]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--tune", "x"], "--tune and --output go together."),
        (["--output", "x"], "--tune and --output go together."),
        (["--tune", "x", "--output", "out", "--rank", "0"], "--rank cannot be"),
        (["--tune", "x", "--output", "out", "--learning-rate", "0"], "no rate to learn at"),
        (["--epochs", "3"], "belong to --tune"),
        (["--merge", "out"], "--merge needs an adapter."),
        (["--export-dataset", "out.jsonl"], "needs a file to write"),
    ],
)
def test_flags_that_do_not_fit_are_one_sentence(flags, sentence, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_settings(flags, {})
    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_fault_in_the_data_is_one_sentence(tmp_path):
    code, said = run("--tune", "none.jsonl", "--output", tmp_path / "out")
    assert (code, len(said.splitlines())) == (1, 1)
    assert said.startswith("app.py: none.jsonl cannot be read")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"model": "smollm2"}, "smollm2 is a GGUF file, which only runs and cannot be taught."),
        ({"server": "http://127.0.0.1:9/v1"}, "A model on another server cannot be taught here."),
        ({"model": "nowhere/./x"}, "There is no model"),
    ],
)
def test_what_cannot_be_taught_is_told(settings, sentence):
    with pytest.raises(ModelError) as fault:
        find_base(Settings(**settings), "none", 64, ignore)
    assert sentence in str(fault.value)


def test_several_files_with_any_name_are_taken(tmp_path):
    first = write(tmp_path / "a, b.json", taught()[:2])
    second = write(tmp_path / "c.json", taught()[2:4])
    out = tmp_path / "out.jsonl"
    code, said = run("--export-dataset", out, first, second)
    assert (code, "4 chats written to" in said) == (0, True)
    assert len(out.read_text().splitlines()) == 4


def test_without_the_packages_the_command_to_install_them_is_told():
    code = (
        "import sys; sys.modules['trl'] = None\n"
        "from llama_ui.tuning.packages import check_packages\ncheck_packages()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    last = done.stderr.strip().splitlines()[-1]
    assert "needs the package trl. Run `.venv/bin/pip install -r requirements-tuning.txt`" in last
