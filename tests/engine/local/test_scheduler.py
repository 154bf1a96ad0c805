"""Many requests at once, and what they leave in the cache, change no reply: exact in float32, and
with llama.cpp."""

import random
import threading
from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, LogitsProcessor

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.errors import EngineError
from llama_ui.prompt.llama2 import Segment
from llama_ui.prompt.plan import PlanOptions, PromptPlan
from tests.sizes import examples

# Inside a captured graph no hook runs, so nothing can be made to fail there.
on_torch = pytest.mark.parametrize("exact", ["pocket"], indirect=True)
on_cpu_only = pytest.mark.skipif(
    torch.cuda.is_available(), reason="faults are forced on the CPU: no hook runs in a CUDA graph"
)

TOPICS = ["temperature", "a llama", "the sea", "my name", "top_p", "a brave llama called Sam"]


def question(number: int) -> list[dict[str, str]]:
    chance = random.Random(number)
    words = " ".join(chance.choices(TOPICS, k=chance.randrange(1, 60)))
    return [{"role": "user", "content": f"{number}: tell me about {words}."}]


def plan_of(ids: list[int], owner: str = "") -> PromptPlan:
    return PromptPlan((Segment("user", 0, "", tuple(ids)),), (), owner)


def collect(reply):
    chunks = list(reply)
    return "".join(chunk.text for chunk in chunks), chunks[-1]


def generate(loaded, ids: list[int], count: int, **more) -> str:
    """What transformers' own greedy generate says; of a GGUF, llama.cpp alone, token by token."""
    if not hasattr(loaded, "model"):
        return generate_by_llama_cpp(loaded, ids, count)
    prompt = torch.tensor([ids], device=loaded.model.device)
    out = loaded.model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=False,
        temperature=None,
        top_p=None,
        top_k=None,
        max_new_tokens=count,
        pad_token_id=2,
        **more,
    )
    return loaded.tokenizer.decode(out[0, len(ids) :], skip_special_tokens=True)


def generate_by_llama_cpp(loaded, ids: list[int], count: int) -> str:
    forward, _ = loaded.allocate(1)
    drawn: list[int] = []
    for position in range(len(ids) + count - 1):
        token = [*ids, *drawn][position]
        logits = forward(torch.tensor([[token]]), torch.tensor([[position]]), 0, 0)
        if position >= len(ids) - 1:
            drawn.append(int(logits.argmax()))
            if drawn[-1] in loaded.end_tokens:
                break
    forward.close()
    return loaded.tokenizer.decode(drawn, skip_special_tokens=True)


def small_model(exact, heads: int, kv_heads: int, rope: dict | None = None):
    """Random weights, float32, in another shape than Pocket Llama's."""
    torch.manual_seed(heads * 10 + kv_heads)
    config = LlamaConfig(
        vocab_size=len(exact.tokenizer),
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=3,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=512,
        rope_parameters=rope or {"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=kv_heads == heads,
    )
    model = LlamaForCausalLM(config).float().eval().to(exact.model.device)
    return replace(exact, model=model, info=replace(exact.info, context_length=512))


@pytest.fixture
def engine(exact):
    engine = LocalEngine(exact, slots=4, chunk=32)
    yield engine
    engine.close()


def test_a_mixed_batch_says_what_generate_says(engine, exact):
    sampling = Sampling(temperature=0, max_new_tokens=30)
    plans = [engine.plan(question(number), sampling) for number in range(examples(8))]
    replies = [engine.submit(plan, sampling) for plan in plans]
    for plan, reply in zip(plans, replies, strict=True):
        assert collect(reply)[0] == generate(exact, plan.ids, 30)


@on_torch
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (4, 2), (8, 1)])
@pytest.mark.parametrize("rope", [None, "linear", "dynamic", "llama3", "yarn"])
def test_other_shapes_and_ropes_say_what_generate_says(exact, heads, kv_heads, rope):
    parameters = {
        None: None,
        "dynamic": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0},
        "linear": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0},
        "llama3": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
            "rope_theta": 10000.0,
        },
        "yarn": {
            "rope_type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 64,
            "rope_theta": 10000.0,
        },
    }[rope]
    model = small_model(exact, heads, kv_heads, parameters)
    engine = LocalEngine(model, slots=3, chunk=16)
    sampling = Sampling(temperature=0, max_new_tokens=20)
    plans = [engine.plan(question(number), sampling) for number in range(4)]
    replies = [engine.submit(plan, sampling) for plan in plans]
    for plan, reply in zip(plans, replies, strict=True):
        assert collect(reply)[0] == generate(model, plan.ids, 20)
    engine.close()


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_the_size_of_prefill_chunks_changes_nothing(exact, chunk):
    engine = LocalEngine(exact, slots=2, chunk=chunk)
    sampling = Sampling(temperature=0, max_new_tokens=12)
    plan = engine.plan(question(3), sampling)
    assert collect(engine.submit(plan, sampling))[0] == generate(exact, plan.ids, 12)
    engine.close()


def test_the_next_turn_feeds_only_what_is_new_and_says_the_same(engine, exact):
    sampling = Sampling(temperature=0, max_new_tokens=24)
    owner, before = PlanOptions(owner="me"), 0
    messages = []
    for turn in range(4):
        messages += question(turn)
        plan = engine.plan(messages, sampling, owner)
        text, last = collect(engine.submit(plan, sampling))
        assert text == generate(exact, plan.ids, 24)
        if turn:
            # All of the earlier turns, but for the few ids around the end of the last reply.
            assert last.stats.reused_tokens > before - 6
        before = len(plan.ids) + last.stats.reply_tokens
        messages.append({"role": "assistant", "content": text})


def test_a_retry_feeds_one_token(engine):
    sampling = Sampling(temperature=0, max_new_tokens=10)
    plan = engine.plan(question(1), sampling, PlanOptions(owner="me"))
    first, _ = collect(engine.submit(plan, sampling))
    again, last = collect(engine.submit(plan, sampling))
    assert again == first
    assert last.stats.reused_tokens == len(plan.ids) - 1


def test_a_branch_copies_from_a_slot_that_is_still_live(engine, exact):
    """Two replies to one prompt at once: the second takes the prefix and leaves the first alone."""
    sampling = Sampling(temperature=0, max_new_tokens=60)
    plan = engine.plan(question(5), sampling, PlanOptions(owner="me"))
    first = engine.submit(plan, sampling)
    head = next(chunk for chunk in first if chunk.text).text
    second_text, last = collect(engine.submit(plan, sampling))
    assert last.stats.reused_tokens == len(plan.ids) - 1
    expected = generate(exact, plan.ids, 60)
    assert second_text == expected
    assert head + "".join(chunk.text for chunk in first) == expected


def test_visitors_share_nothing(engine):
    sampling = Sampling(temperature=0, max_new_tokens=4)
    for owner in ("me", "you", "", ""):
        plan = engine.plan(question(2), sampling, PlanOptions(owner=owner))
        assert collect(engine.submit(plan, sampling))[1].stats.reused_tokens == 0


def test_visitors_share_the_operators_system_prompt_and_no_more(exact):
    engine = LocalEngine(exact, slots=4, public_system="You are the guide of this house.")
    system = {"role": "system", "content": "You are the guide of this house."}
    sampling = Sampling(temperature=0, max_new_tokens=4)

    def reused(owner: str, messages) -> int:
        plan = engine.plan(messages, sampling, PlanOptions(owner=owner))
        return collect(engine.submit(plan, sampling))[1].stats.reused_tokens

    plan = engine.plan([system, *question(1)], sampling)
    assert reused("me", [system, *question(1)]) == 0
    assert reused("you", [system, *question(1)]) == plan.public_tokens > 10
    own = {"role": "system", "content": "You are a pirate of this house, and so on."}
    assert reused("third", [own, *question(1)]) == 0
    assert reused("fourth", [own, *question(1)]) == 0
    engine.close()


def test_visitors_who_take_turns_do_not_cut_each_others_chats_down(exact):
    """They begin with the same system prompt; there are slots for both."""
    system = {"role": "system", "content": "You are the guide of this house."}
    engine = LocalEngine(exact, slots=2, public_system=system["content"])
    sampling = Sampling(temperature=0, max_new_tokens=4)
    chats = {"me": [system, *question(1)], "you": [system, *question(2)]}
    before: dict[str, int] = {}
    for turn in range(3):
        for owner, messages in chats.items():
            plan = engine.plan(messages, sampling, PlanOptions(owner=owner))
            text, last = collect(engine.submit(plan, sampling))
            if turn:
                assert last.stats.reused_tokens > before[owner] - 6
            before[owner] = len(plan.ids) + last.stats.reply_tokens
            messages += [{"role": "assistant", "content": text}, *question(turn)]
    engine.close()


def test_a_tiny_temperature_is_greedy_and_hurts_nobody(engine, exact):
    greedy = Sampling(temperature=0, max_new_tokens=30)
    plan = engine.plan(question(3), greedy)
    neighbour = engine.submit(plan, greedy)
    tiny = Sampling(temperature=2e-38, max_new_tokens=10)
    assert collect(engine.submit(plan, tiny))[0] == generate(exact, plan.ids, 10)
    assert collect(neighbour)[0] == generate(exact, plan.ids, 30)


@on_torch
@on_cpu_only
def test_a_fault_while_a_slot_is_prepared_is_that_requests_alone(engine, exact):
    """A cache that cannot be copied: the real error of a row that is not there."""
    sampling = Sampling(temperature=0, max_new_tokens=200)
    plan = engine.plan(question(1), sampling, PlanOptions(owner="me"))
    running = engine.submit(plan, sampling)
    next(chunk for chunk in running if chunk.text)
    keys = engine._scheduler._cache.keys
    kept, keys[0] = keys[0], keys[0][:0]
    # A branch copies from the slot that is live; both die, each told so.
    for reply in (engine.submit(plan, sampling), running):
        with pytest.raises(EngineError, match="incident"):
            collect(reply)
    keys[0] = kept
    short = Sampling(temperature=0, max_new_tokens=5)
    assert collect(engine.submit(plan, short))[0] == generate(exact, plan.ids, 5)


def test_what_an_owner_leaves_behind_can_be_forgotten(engine):
    sampling = Sampling(temperature=0, max_new_tokens=4)
    plan = engine.plan(question(2), sampling, PlanOptions(owner="me"))
    collect(engine.submit(plan, sampling))
    engine.forget("me")
    assert collect(engine.submit(plan, sampling))[1].stats.reused_tokens == 0


def test_a_seeded_reply_is_the_same_alone_and_among_others(engine):
    wild = Sampling(temperature=1.3, max_new_tokens=30, seed=5)
    plan = engine.plan(question(4), wild)
    alone, _ = collect(engine.submit(plan, wild))
    others = [
        engine.submit(engine.plan(question(number), wild), replace(wild, seed=number))
        for number in range(3)
    ]
    among, _ = collect(engine.submit(plan, wild))
    for reply in others:
        collect(reply)
    assert among == alone


def test_options_of_one_row_do_not_reach_another(engine, exact):
    greedy = Sampling(temperature=0, max_new_tokens=20)
    wild = Sampling(temperature=2, top_p=1, top_k=1000, repetition_penalty=1.5, max_new_tokens=40)
    plan = engine.plan(question(6), greedy)
    noise = [engine.submit(engine.plan(question(n), wild), wild) for n in range(3)]
    assert collect(engine.submit(plan, greedy))[0] == generate(exact, plan.ids, 20)
    for reply in noise:
        collect(reply)


class OfOpenAI(LogitsProcessor):
    """The penalties over what stands behind the prompt, for transformers' generate."""

    def __init__(self, prompt_tokens, presence, frequency):
        self.prompt_tokens, self.presence, self.frequency = prompt_tokens, presence, frequency

    def __call__(self, ids, scores):
        times = torch.zeros_like(scores)
        said = ids[:, self.prompt_tokens :]
        times.scatter_add_(1, said, torch.ones_like(said, dtype=scores.dtype))
        return scores - self.frequency * times - self.presence * (times > 0)


@on_torch
def test_presence_and_frequency_penalties_count_the_reply_alone(engine, exact):
    plain = Sampling(temperature=0, max_new_tokens=30)
    cases = [(2.0, 0.0), (0.0, 1.5), (-1.0, 0.4), (0.0, 0.0)]
    plans = [engine.plan(question(number), plain) for number in range(len(cases))]
    # All at once, so that rows with and without share a batch and change places.
    replies = [
        engine.submit(plan, replace(plain, presence_penalty=one, frequency_penalty=each))
        for plan, (one, each) in zip(plans, cases, strict=True)
    ]
    for plan, reply, case in zip(plans, replies, cases, strict=True):
        processor = OfOpenAI(len(plan.ids), *case)
        assert collect(reply)[0] == generate(exact, plan.ids, 30, logits_processor=[processor])


def test_the_window_is_never_overrun(exact):
    engine = LocalEngine(replace(exact, info=replace(exact.info, context_length=64)), slots=2)
    sampling = Sampling(temperature=2, top_p=1, top_k=1000, max_new_tokens=500)
    _, last = collect(engine.submit(plan_of([1, *[300] * 40]), sampling))
    assert last.finish_reason in ("length", "stop")
    assert 41 + last.stats.reply_tokens <= 64
    engine.close()


def test_stops_in_the_line_in_prefill_and_in_decode(exact):
    """Whatever the moment, every reply ends, nobody else notices, and all slots come back."""
    engine = LocalEngine(exact, slots=2, chunk=8)
    steady = Sampling(temperature=0, max_new_tokens=6)
    plan = engine.plan(question(1), steady)
    expected = generate(exact, plan.ids, 6)
    chance = random.Random(3)
    long = Sampling(temperature=1.5, max_new_tokens=400)
    for _ in range(examples(12)):
        replies = [engine.submit(engine.plan(question(n), long), long) for n in range(5)]
        steady_reply = engine.submit(plan, steady)
        for reply in chance.sample(replies, 5):
            threading.Event().wait(chance.random() * 0.03)
            reply.cancel()
        assert collect(steady_reply)[0] == expected
        for reply in replies:
            assert collect(reply)[1].finish_reason in ("cancelled", "stop", "length")
    assert engine.load.running == engine.load.waiting == 0
    engine.close()


@on_torch
@on_cpu_only
def test_a_fault_in_prefill_is_that_requests_alone(exact):
    engine = LocalEngine(exact, slots=2, chunk=8)
    sampling = Sampling(temperature=0, max_new_tokens=40)
    plan = engine.plan(question(1), sampling)
    expected = generate(exact, plan.ids, 40)
    other = engine.submit(plan, sampling)
    next(chunk for chunk in other if chunk.text)

    def fail(module, inputs):
        if inputs[0].shape[1] > 1:
            raise RuntimeError("forced")

    hook = exact.model.model.layers[3].mlp.down_proj.register_forward_pre_hook(fail)
    with pytest.raises(EngineError, match="incident"):
        collect(engine.submit(engine.plan(question(2), sampling), sampling))
    hook.remove()
    assert expected.endswith(collect(other)[0])
    assert collect(engine.submit(plan, sampling))[0] == expected
    engine.close()


@on_torch
@on_cpu_only
def test_out_of_memory_ends_the_running_replies_and_not_the_engine(engine, exact):
    def fail(*_):
        raise torch.OutOfMemoryError("forced")

    sampling = Sampling(temperature=0, max_new_tokens=10)
    plan = engine.plan(question(1), sampling)
    hook = exact.model.lm_head.register_forward_pre_hook(fail)
    with pytest.raises(EngineError, match="memory of the GPU is full"):
        collect(engine.submit(plan, sampling))
    hook.remove()
    assert collect(engine.submit(plan, sampling))[0] == generate(exact, plan.ids, 10)


@on_torch
@on_cpu_only
def test_a_lost_gpu_ends_everything_and_calls_for_help(exact):
    lost = threading.Event()
    engine = LocalEngine(exact, slots=1, on_fatal=lost.set)
    sampling = Sampling(temperature=0, max_new_tokens=10)
    plan = engine.plan(question(1), sampling)

    def fail(*_):
        threading.Event().wait(0.2)
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    hook = exact.model.lm_head.register_forward_pre_hook(fail)
    running, waiting = engine.submit(plan, sampling), engine.submit(plan, sampling)
    for reply in (running, waiting):
        with pytest.raises(EngineError, match="restarting"):
            collect(reply)
    hook.remove()
    assert lost.wait(5)
    with pytest.raises(EngineError):
        engine.submit(plan, sampling)
    engine.close()


def test_many_users_get_their_own_replies(exact):
    """Each user's greedy reply equals what generate gives for that user's prompt: nothing lost,
    doubled or crossed."""
    engine = LocalEngine(exact, slots=4, max_waiting=100)
    sampling = Sampling(temperature=0, max_new_tokens=8)
    users, rounds = min(32, examples(8)), examples(2)
    expected = {n: generate(exact, engine.plan(question(n), sampling).ids, 8) for n in range(users)}
    wrong: list[int] = []

    def chat(number: int) -> None:
        for _ in range(rounds):
            plan = engine.plan(question(number), sampling, PlanOptions(owner=str(number)))
            if collect(engine.submit(plan, sampling))[0] != expected[number]:
                wrong.append(number)

    threads = [threading.Thread(target=chat, args=(number,)) for number in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    engine.close()


@on_torch
def test_log_probabilities_are_the_models_own(engine, exact):
    """Of every drawn token and the five best, whatever the options; none unless asked for."""
    asked = Sampling(temperature=1.2, max_new_tokens=12, seed=3, top_logprobs=5)
    plan = engine.plan(question(2), asked)
    silent = engine.submit(plan, replace(asked, top_logprobs=0))
    tokens = [token for chunk in engine.submit(plan, asked) for token in chunk.tokens]
    ids = [*plan.ids, *(token.id for token in tokens)]
    with torch.inference_mode():
        logits = exact.model(torch.tensor([ids], device=exact.model.device)).logits[0].float()
    expected = logits.log_softmax(-1)[len(plan.ids) - 1 : -1]
    for row, token in zip(expected, tokens, strict=True):
        assert token.logprob == pytest.approx(row[token.id].item(), abs=1e-3)
        best = row.topk(5)
        assert [id for id, _ in token.top] == best.indices.tolist()
        assert [x for _, x in token.top] == pytest.approx(best.values.tolist(), abs=1e-3)
    alone = [token for chunk in silent for token in chunk.tokens]
    assert [token.id for token in alone] == [token.id for token in tokens]
    assert all(token.logprob is None and not token.top for token in alone)


PLACES = [
    "model.embed_tokens",
    "model.layers.0.self_attn.o_proj",
    "model.layers.3.mlp.down_proj",
    "model.layers.5.self_attn.o_proj",
    "lm_head",
]
KINDS = [RuntimeError, ValueError, KeyError, MemoryError, torch.OutOfMemoryError]


@on_torch
@on_cpu_only
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_reaches_its_reader(exact, place, kind):
    """25 kinds: the request ends with the fault, the engine goes on, the next reply is exact."""
    engine = LocalEngine(exact, slots=2, chunk=16)
    sampling = Sampling(temperature=0, max_new_tokens=6)
    plan = engine.plan(question(1), sampling)
    expected = generate(exact, plan.ids, 6)
    chance = random.Random(f"{place} {kind}")
    for _ in range(examples(1)):
        countdown = chance.randrange(1, 5)

        def fail(*_):
            nonlocal countdown
            countdown -= 1
            if countdown == 0:
                raise kind("forced")

        hook = exact.model.get_submodule(place).register_forward_pre_hook(fail)
        with pytest.raises(EngineError):
            collect(engine.submit(plan, sampling))
        hook.remove()
        assert collect(engine.submit(plan, sampling))[0] == expected
    assert engine.load.running == engine.load.waiting == 0
    engine.close()
