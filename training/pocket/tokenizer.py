"""Train Pocket Llama's tokenizer: a Llama-style BPE with byte fallback, on generated dialogues.

Ids: `<unk>` 0, `<s>` 1, `</s>` 2, the 256 bytes 3..258, then characters and merges. As in Llama 2 a
space is the mark "▁" that begins a word, one is put before the text, and digits stand alone.
The template's tags ([INST] and so on) are ordinary text; the training text contains them, so BPE
finds short pieces for them by itself.

Nothing is lost: a character without a piece is spelled in bytes, and the mark "▁" itself, which
stands for a space in pieces, is escaped by two private-use characters and restored on decoding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

MARK = "▁"
SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
# Escapes for a literal mark and for the escape character itself; see the module's docstring.
_ESCAPE, _IS_ESCAPE, _IS_MARK = "\ue000", "\ue000\ue001", "\ue000\ue002"

# Words with their leading mark (and apostrophes inside), single digits, single newlines, runs of
# punctuation or emoji, and runs of marks without the one that begins the next word.
PIECES = (
    rf"{MARK}?\p{{L}}+(?:['’]\p{{L}}+)*|\p{{N}}|\n|{MARK}?[^\p{{L}}\p{{N}}\n{MARK}]+"  # noqa: RUF001 - an apostrophe, too
    rf"|{MARK}+(?={MARK})|{MARK}"
)

# The reference's template, as Jinja; `trim` runs on the merged text, like the reference's strip().
CHAT_TEMPLATE = """\
{%- if messages[0]['role'] == 'system' -%}
{%- set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' -%}
{%- set turns = messages[1:] -%}
{%- else -%}
{%- set system = '' -%}
{%- set turns = messages -%}
{%- endif -%}
{%- for message in turns -%}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
{{- raise_exception('Roles must alternate: user, assistant, user, ...') -}}
{%- endif -%}
{%- if message['role'] == 'user' -%}
{%- set content = (system + message['content']) if loop.first else message['content'] -%}
{{- bos_token + '[INST] ' + content.strip() + ' [/INST]' -}}
{%- else -%}
{{- ' ' + message['content'].strip() + ' ' + eos_token -}}
{%- endif -%}
{%- endfor -%}
"""


def _pipeline(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(_ESCAPE, _IS_ESCAPE),
            normalizers.Replace(MARK, _IS_MARK),
            normalizers.Prepend(MARK),
            normalizers.Replace(" ", MARK),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace(MARK, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Replace(_IS_MARK, MARK),
            decoders.Replace(_IS_ESCAPE, _ESCAPE),
            decoders.Strip(content=" ", left=1),
        ]
    )
    return tokenizer


def train(texts: Iterable[str], vocab_size: int = 4096, alphabet: int = 220) -> Tokenizer:
    """Learn the pieces, then build the tokenizer with only three special tokens."""
    learner = _pipeline(Tokenizer(models.BPE(byte_fallback=True)))
    learner.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=SPECIAL + BYTES,
            limit_alphabet=alphabet,
            initial_alphabet=[MARK, "\n", *map(chr, range(33, 127))],
            max_token_length=20,
            show_progress=False,
        ),
    )
    model = json.loads(learner.to_str())["model"]
    merges = [(left, right) for left, right in model["merges"]]
    tokenizer = Tokenizer(
        models.BPE(
            vocab=model["vocab"],
            merges=merges,
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    _pipeline(tokenizer)
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, context: int = 2048) -> None:
    """Write the three files that transformers' AutoTokenizer reads."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "</s>",
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": context,
        "padding_side": "left",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
