"""Tools: the agent's loop, its actions, the built-in tools."""
