"""Messages in, token ids out: the format of a prompt, and what of a conversation fits into it."""

from llama_ui.prompt.llama2 import encode_dialog

__all__ = ["encode_dialog"]
