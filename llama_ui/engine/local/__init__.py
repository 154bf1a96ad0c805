"""The engine of this process: torch under a scheduler."""
