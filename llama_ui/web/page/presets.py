"""Ready-made system prompts, samplings and first messages."""

SYSTEM_PROMPTS = {
    "Helpful": "You are a helpful assistant. If you do not know something, say so.",
    "Terse": "Answer in one short sentence.",
    "Pirate": "You are a pirate. Talk like one in every answer.",
    "Tutor": "You are a patient tutor. Explain in simple words, step by step, with an example.",
    "French": "Answer only in French, whatever language the question is in.",
    "JSON only": 'Answer only with a JSON object that has one key, "answer". Write nothing else.',
    "Poet": "You are a poet. Answer in rhyme.",
    "Editor": "Correct the spelling and grammar of what I write. Answer with the text only.",
}

SAMPLINGS = {
    "Precise": {"temperature": 0.2, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.0},
    "Balanced": {"temperature": 0.7, "top_p": 0.9, "top_k": 50, "repetition_penalty": 1.0},
    "Creative": {"temperature": 1.1, "top_p": 0.95, "top_k": 100, "repetition_penalty": 1.05},
}

# The cards of the empty page; the first four whose `needs` the model has are shown.
EXAMPLES: list[dict[str, str | float]] = [
    {
        "title": "See why it chose each word",
        "line": "A tiny story, with the odds behind it",
        "icon": "why",
        "text": "Tell me a tiny story about a brave llama.",
        "needs": "logprobs",
        "do": "explain",
    },
    {
        "title": "Compare temperature 0.2 and 1.4",
        "line": "One question, two replies side by side",
        "icon": "compare",
        "text": "What does temperature do?",
        "do": "compare",
        "first": 0.2,
        "second": 1.4,
    },
    {
        "title": "Talk like a pirate",
        "line": "and introduce yourself",
        "icon": "chat",
        "text": "Talk like a pirate and introduce yourself.",
    },
    {
        "title": "Run Llama 2 7B here",
        "line": "What it needs, and how to start it",
        "icon": "chip",
        "text": "How do I run Llama 2 7B here?",
    },
    {
        "title": "Tell me a tiny story",
        "line": "about a brave llama",
        "icon": "book",
        "text": "Tell me a tiny story about a brave llama.",
    },
]
