"""Judge the shipped model on hand-written dialogues (held_out.py); prints a table.

python -m training.pocket.evaluate                     temperature 0, about two minutes on a CPU
python -m training.pocket.evaluate --temperature 0.7   sampled, with a fixed seed
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from .held_out import CASES, Case

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "pocket-llama"


class Player:
    """Plays dialogues with the model, in the prompt format of the application."""

    def __init__(self, folder: Path, temperature: float = 0.0, seed: int = 0) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder, device_map="cpu")
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.options = (
            {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
            if temperature == 0
            else {"do_sample": True, "temperature": temperature, "top_p": 0.9, "top_k": 50}
        )
        torch.manual_seed(seed)

    def reply(self, messages: list[dict[str, str]], limit: int = 320) -> tuple[str, bool]:
        """The reply's text, and whether it ended by itself."""
        from llama_ui.prompt import encode_dialog

        ids = torch.tensor([encode_dialog(messages, self.tokenizer)])
        with torch.inference_mode():
            out = self.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=limit,
                pad_token_id=2,
                **self.options,
            )[0, ids.shape[1] :]
        text = self.tokenizer.decode(out, skip_special_tokens=True)
        return text.strip(), bool(out[-1] == 2)

    def play(self, system: str, users: tuple[str, ...]) -> list[tuple[str, bool]]:
        messages = [{"role": "system", "content": system}] if system else []
        replies = []
        for user in users:
            messages.append({"role": "user", "content": user})
            replies.append(self.reply(messages))
            messages.append({"role": "assistant", "content": replies[-1][0]})
        return replies


def holds(form: str, text: str) -> bool:
    """Whether a reply has the form that a case asks for."""
    kind, _, value = form.partition(":")
    lines = [line for line in text.split("\n") if line.strip()]
    match kind:
        case "":
            return True
        case "one_word":
            return len(text.split()) == 1
        case "three_lines":
            return len(lines) == 3
        case "lines":
            return len(lines) >= 2
        case "upper":
            code = re.sub(r"`[^`]*`", "", text)
            return code == code.upper() and any(c.isalpha() for c in code)
        case "ends":
            return text.endswith(value)
        case "starts":
            return text.startswith(value)
        case "one_sentence":
            return len(re.findall(r"[.!?](?=\s|$)", text)) <= 1
        case "short":
            return len(text) < 160
        case "story":
            return len(text.split()) >= 30
        case "emoji":
            return any(ord(c) > 0x2190 for c in text)
    raise ValueError(f"unknown form {form!r}")


def judge(case: Case, text: str, ended: bool) -> bool:
    found = all(re.search(p, text, re.IGNORECASE) for p in case.has)
    clean = not any(re.search(p, text, re.IGNORECASE) for p in case.lacks)
    return ended and found and clean and holds(case.form, text)


def evaluate(folder: Path = ASSETS, temperature: float = 0.0, verbose: bool = True) -> float:
    """Play all cases, print failures and a table, return the share that passed."""
    player = Player(folder, temperature)
    passed: dict[str, list[bool]] = defaultdict(list)
    unended = replies = 0
    for case in CASES:
        said = player.play(case.system, case.users)
        replies += len(said)
        unended += sum(not ended for _, ended in said)
        good = judge(case, *said[-1])
        passed[case.skill].append(good)
        if verbose and not good:
            print(f"failed ({case.skill}) system={case.system!r} {case.users} -> {said[-1][0]!r}")
    print(f"\n| skill | cases | passed |\n| --- | --- | --- |  (temperature {temperature:g})")
    for skill, results in passed.items():
        print(f"| {skill} | {len(results)} | {sum(results) / len(results):.0%} |")
    every = [good for results in passed.values() for good in results]
    share = sum(every) / len(every)
    print(f"| all | {len(every)} | {share:.1%} |")
    print(f"replies cut off at the limit: {unended} of {replies}")
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=ASSETS)
    parser.add_argument("--temperature", type=float, default=0.0)
    args = parser.parse_args()
    evaluate(args.folder, args.temperature)


if __name__ == "__main__":
    main()
