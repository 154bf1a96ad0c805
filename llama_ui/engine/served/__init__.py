"""Models on other servers, by OpenAI's protocol."""
