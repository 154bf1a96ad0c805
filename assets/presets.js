// The menu of system prompts.
