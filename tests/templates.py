"""Small tokenizers of the kinds that Llama models have, and chat templates of the known shapes.

The templates are written for these tests; what they have in common with the published ones is
what matters here: where control tokens, trimming, defaults and refusals stand.
"""

import json
from functools import cache
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXTS = [
    "The llama walked over the hill and looked at the river.",
    "user assistant system header start end im message role content",
    "def f(x):\n    return x + 1\n\n# comment <|tag|> [INST] [/INST] <<SYS>>",
    "USER: hello ASSISTANT: hi there, how are you? Hello again, 12 345 times!",
    "<|user|> <|assistant|> <|system|> <|im_start|> <|im_end|> <|eot_id|>",
    "äöü é € 日本語 😀 naïve façade",
] * 20

LLAMA_3 = (
    "{{- bos_token }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{{- message['content'] | trim }}{{- '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)
CHATML = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{% endif %}"
    "{% for m in messages %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
ZEPHYR = (
    "{% for m in messages %}"
    "{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token + '\n' }}"
    "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
    "{% endfor %}{# <|user|> <|assistant|> <|system|> #}"
)
VICUNA = (
    "{% if messages[0]['role'] == 'system' %}"
    "{% set turns = messages[1:] %}{{ bos_token + messages[0]['content'].strip() + ' ' }}"
    "{% else %}{% set turns = messages %}{{ bos_token + 'A chat with an assistant. ' }}{% endif %}"
    "{% for m in turns %}{% if m['role'] == 'user' %}{{ 'USER: ' + m['content'].strip() + ' ' }}"
    "{% else %}{{ 'ASSISTANT: ' + m['content'].strip() + eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate user and assistant.') }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] | trim + eos_token }}{% endif %}{% endfor %}"
)
SILENT_ON_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ bos_token + 'Q: ' + m['content'] }}"
    "{% elif m['role'] == 'assistant' %}{{ '\nA: ' + m['content'] + eos_token }}{% endif %}"
    "{% endfor %}{{ '\nA:' }}"
)
LLAMA_2 = (
    "{% if messages[0]['role'] == 'system' %}"
    "{% set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}"
    "{% endif %}{% for m in turns %}{% if m['role'] == 'user' %}"
    "{% set content = system + m['content'] if loop.first else m['content'] %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
R1 = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}"
    "{% elif m['role'] == 'user' %}{{ '<|User|>' + m['content'] }}{% else %}"
    "{% set c = m['content'] %}{% if '</think>' in c %}{% set c = c.split('</think>')[-1] %}"
    "{% endif %}{{ '<|Assistant|>' + c + '</s>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|Assistant|><think>\n' }}{% endif %}"
)
R1_TRIMMED = R1.replace("split('</think>')[-1]", "split('</think>')[-1].strip()")
KEEPS_THOUGHTS = R1.replace("{% set c = c.split('</think>')[-1] %}", "")
# Taking one out of the middle joins what stood on its sides.
JOINS = R1.replace("c.split('</think>')[-1]", "c.replace('</think>', '')")


@cache
def byte_level(template: str) -> Any:
    """As Llama 3's: byte-level BPE, no prefix space, control tokens of its own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    special += ["<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return _wrap(tokenizer, template)


@cache
def characters(template: str, prefix: str) -> Any:
    """As Llama 2's: SentencePiece's alphabet with byte tokens for what is outside it.

    Args:
        prefix: how a space gets in front: by a normalizer ("prepend"), or by the pre-tokenizer,
            of the whole text only ("first").
    """
    alphabet = [*sorted(set("".join(TEXTS)) - set("äöüé€日本語😀ïç \n")), "▁"]
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    learner.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(vocab_size=450, initial_alphabet=alphabet, show_progress=False),
    )
    learned = sorted(learner.get_vocab(), key=learner.get_vocab().__getitem__)
    merges = json.loads(learner.to_str())["model"]["merges"]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, *learned])}
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[tuple(merge) for merge in merges],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    if prefix == "prepend":
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return _wrap(tokenizer, template)


def _wrap(tokenizer: Tokenizer, template: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>" if tokenizer.token_to_id("<unk>") is not None else None,
        chat_template=template or None,
    )


FAMILIES = {
    "llama 3": lambda: byte_level(LLAMA_3),
    "chatml": lambda: byte_level(CHATML),
    "zephyr, bytes": lambda: byte_level(ZEPHYR),
    "zephyr": lambda: characters(ZEPHYR, "prepend"),
    "vicuna": lambda: characters(VICUNA, "prepend"),
    "vicuna, first": lambda: characters(VICUNA, "first"),
    "mistral": lambda: characters(MISTRAL, "prepend"),
    "mistral, first": lambda: characters(MISTRAL, "first"),
    "no system": lambda: characters(SILENT_ON_SYSTEM, "first"),
}
