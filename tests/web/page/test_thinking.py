"""What a model thinks between tags: shown, counted, kept, and sent back only where it is asked."""

import json

import pytest

from llama_ui.chat.export import to_markdown
from llama_ui.chat.thinking import with_thinking
from llama_ui.engine.served.engine import RemoteEngine
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.starter import EngineStarter
from tests.engine.served.scripted import DONE, event, scripted_server
from tests.web.page.visitor import Visitor, serving


@pytest.fixture(scope="module")
def server():
    with scripted_server() as script:
        yield script


@pytest.fixture(scope="module")
def address(server):
    starter = EngineStarter(lambda _: RemoteEngine(RemoteServer(server.url, "r1")), "r1")
    starter.start()
    starter.wait()
    with serving(starter) as url:
        yield url
    starter.close()


@pytest.mark.parametrize("told_apart", [False, True])
def test_thinking_is_kept_beside_the_answer(server, address, told_apart):
    """By tags, or by the server itself."""
    thought = [event(reasoning_content="Hm, "), event(reasoning_content="one.")]
    pieces = ["<thi", "nk>\nHm, ", "one.\n</th", "ink>\n\n"]
    usage = {"prompt_tokens": 5, "completion_tokens": 9}
    counted = b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
    said = [event("It is 1."), event(finish="stop"), counted, DONE]
    server.body = [*(thought if told_apart else map(event, pieces)), *said]
    visitor = Visitor(address)
    updates = visitor.act("ask", text="1?")
    assert "".join(u["text"] for u in updates if u["type"] == "thinking") == "Hm, one."
    reply = visitor.conversation.nodes[-1]
    assert (reply.text, reply.facts.thinking) == ("It is 1.", "Hm, one.")
    assert reply.facts.thought_s > 0
    assert "> Hm, one.\n\nIt is 1." in to_markdown(visitor.conversation)

    def sent(**options):
        visitor.options |= options
        visitor.act("ask", text="2?")
        return server.bodies[-1]["messages"][1]["content"]

    assert sent() == "It is 1."
    visitor.act("undo")
    assert sent(send_thinking=True) == with_thinking("Hm, one.", "It is 1.")


def test_a_reply_that_is_all_thinking_is_kept(server, address):
    server.body = [event("<think>\nHm"), event(finish="length"), DONE]
    visitor = Visitor(address)
    updates = visitor.act("ask", text="1?")
    assert "still thinking" in next(u["problem"] for u in updates if u["type"] == "fault")
    assert visitor.conversation.nodes[-1].facts.thinking == "Hm"
