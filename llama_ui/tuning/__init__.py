"""Teach a model from chats: read them, look at them, train a LoRA, merge it."""
