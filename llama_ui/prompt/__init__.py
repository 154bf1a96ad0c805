"""Messages to token ids: the Llama 2 format, a model's own template, what fits."""
