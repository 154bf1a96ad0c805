"""Dialogues to token ids and targets, in exactly the form that the chat application sends.

One finished exchange is `<s>[INST] user [/INST] reply </s>`, tokenised on its own, as Llama 2's
reference does. The target of the reply's last text token is `</s>` directly: the space that the
reference puts before `</s>` in a history is there as input but is never something to be said.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

BOS, EOS, IGNORE = 1, 2, -100
Message = dict[str, str]


def exchanges(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """(prompt text, reply text) of each exchange, tags and system prompt merged in."""
    system = ""
    if messages[0]["role"] == "system":
        system = f"<<SYS>>\n{messages[0]['content']}\n<</SYS>>\n\n"
        messages = messages[1:]
    pairs = []
    for user, assistant in zip(messages[::2], messages[1::2], strict=True):
        text = (system + user["content"]).strip()
        pairs.append((f"[INST] {text} [/INST]", assistant["content"].strip()))
        system = ""
    return pairs


def encode_training(
    dialogs: Sequence[Sequence[Message]], tokenizer: Tokenizer, limit: int = 2048
) -> list[tuple[list[int], list[int]]]:
    """(ids, targets) of each dialogue; targets[i] is what should follow ids[i], or IGNORE.

    A dialogue longer than the limit loses its last exchanges. A reply whose message has an empty
    "learned" is context only.
    """
    pairs = [exchanges(dialog) for dialog in dialogs]
    flat = [text for dialog in pairs for pair in dialog for text in pair]
    encoded = iter(tokenizer.encode_batch_fast(flat, add_special_tokens=False))
    space = tokenizer.token_to_id("▁")
    out = []
    for messages in dialogs:
        learned = [m.get("learned", "yes") for m in messages if m["role"] == "assistant"]
        ids: list[int] = []
        targets: list[int] = []
        full = False
        for is_learned in learned:
            prompt, reply = next(encoded).ids, next(encoded).ids
            # A reply's pieces are the same alone as after "[/INST]", since each begins with "▁".
            turn = [BOS, *prompt, *reply, space, EOS]
            full = full or len(ids) + len(turn) > limit
            if full:
                continue
            ids += turn
            said = [*reply, EOS] if is_learned else [IGNORE] * (len(reply) + 1)
            targets += [IGNORE] * len(prompt) + said + [IGNORE, IGNORE]
        if any(target != IGNORE for target in targets):
            out.append((ids, targets))
    return out
