"""A GGUF file under the scheduler: llama.cpp in a child process is its forward pass."""
