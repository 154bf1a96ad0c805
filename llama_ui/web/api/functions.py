"""The two functions of the page that programs may call: /chat and /prompt."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr

from llama_ui.chat.messages import parse_messages
from llama_ui.chat.sampling import SAMPLING, Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError, OptionError, incident
from llama_ui.web.access.identity import visitor_of
from llama_ui.web.access.limits import Gate, plan_for, submit_for
from llama_ui.web.page.updates import FramePacer

OPTIONS = [option.name for option in SAMPLING if option.feature != "logprobs"]


log = logging.getLogger(__name__)


class Api:
    """What gradio_client reaches; every argument comes from outside and is checked.

    Args:
        starter: holds the engine.
        defaults: the sampling options that a caller leaves out.
        pacer: decides how often a running reply is sent.
        gate: how much a caller may use.
    """

    def __init__(
        self, starter: EngineStarter, defaults: Sampling, pacer: FramePacer, gate: Gate
    ) -> None:
        self._starter = starter
        self._pacer = pacer
        self._defaults = defaults
        self._gate = gate

    async def chat(
        self,
        message: str,
        history: list[dict[str, str]] | None = None,
        options: dict[str, Any] | None = None,
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> AsyncIterator[str]:
        """Answer a message; yields the reply so far, again and again until it is whole.

        Args:
            message: what the user says.
            history: earlier messages, `{"role": ..., "content": ...}`, a system message first.
            options: any of the sampling options by name, for example temperature, max_new_tokens,
                seed, and stop, a list of words that end the reply.
        """
        reply = None
        try:
            turn = {"role": "user", "content": message}
            messages = parse_messages([*parse_messages(history or []), turn])
            sampling = self._sampling(options)
            engine = await self._starter.engine()
            visitor = visitor_of(request)
            plan = await plan_for(visitor, self._gate, sampling, engine.plan, messages, sampling)
            reply, text = submit_for(visitor, self._gate, engine, plan, sampling), ""
            with self._pacer.stream():
                async for chunk in reply:
                    text += chunk.text
                    yield text
                    if chunk.finish_reason is None:
                        await self._pacer.pause()
        except Exception as error:
            raise _shown(error) from None
        finally:
            if reply is not None:
                reply.cancel()

    async def prompt(
        self,
        messages: list[dict[str, str]],
        options: dict[str, Any] | None = None,
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> dict[str, Any]:
        """The exact prompt for these messages: its text, its token ids, tokens by part.

        Args:
            messages: `{"role": ..., "content": ...}`, a user message last.
            options: as for chat; max_new_tokens decides how much room the reply needs.
        """
        try:
            checked, sampling = parse_messages(messages), self._sampling(options)
            engine = await self._starter.engine()
            plan = await self._gate.bounded(visitor_of(request), engine.plan, checked, sampling)
        except Exception as error:
            raise _shown(error) from None
        return {"text": plan.text, "ids": plan.ids, "counts": plan.counts, "dropped": plan.dropped}

    def _sampling(self, options: dict[str, Any] | None) -> Sampling:
        given = options or {}
        if not isinstance(given, dict) or not set(given) <= set(OPTIONS):
            raise OptionError("There is an unknown option.", f"Known are {', '.join(OPTIONS)}.")
        return replace(self._defaults, **given)


def _shown(error: Exception) -> gr.Error:
    """What a caller reads. Gradio would print a bug's traceback, with what was asked."""
    if not isinstance(error, ChatError):
        error = incident(log, error, "Something went wrong on the server", "Try again.")
    return gr.Error(str(error), print_exception=False)
