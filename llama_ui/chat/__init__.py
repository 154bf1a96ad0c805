"""The conversation as a value: messages, options, sampling, files."""
