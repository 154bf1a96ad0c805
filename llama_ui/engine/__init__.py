"""Engines: a prompt goes in, a stream of chunks comes out."""
