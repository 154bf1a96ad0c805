"""From a checkpoint on disk to a model in memory."""
