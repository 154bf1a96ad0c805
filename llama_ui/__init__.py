"""Llama UI: a chat page for Llama 2 and every model of its architecture."""

__version__ = "0.3.0"
