"""Models of the Hugging Face Hub: names, downloads, faults."""
