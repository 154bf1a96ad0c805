"""Which slot a request gets."""

from hypothesis import given
from hypothesis import strategies as st

from llama_ui.engine.local.slots import Slot, best_source, choose_target, common_prefix

IDS = st.lists(st.integers(0, 3), max_size=20)


@given(IDS, IDS, st.integers(0, 25))
def test_the_common_prefix_is_the_longest(one, other, limit):
    length = common_prefix(one, other, limit)
    assert one[:length] == other[:length]
    assert length <= limit
    if length < min(len(one), len(other), limit):
        assert one[length] != other[length]


def test_at_least_one_token_is_left_to_feed():
    slots = [Slot(0, [1, 2, 3], "me")]
    assert best_source(slots, [1, 2, 3], "me", 0)[1] == 2


def test_another_owner_gives_only_what_both_know_to_be_public():
    slots = [Slot(0, [1, 2, 3, 4, 5], "me", public=3)]
    assert best_source(slots, [1, 2, 3, 4, 9], "you", 0)[1] == 0
    assert best_source(slots, [1, 2, 3, 4, 9], "you", 2)[1] == 2
    assert best_source(slots, [1, 2, 3, 4, 9], "you", 5)[1] == 3
    assert best_source([Slot(0, [1, 2, 3], "")], [1, 2, 3], "", 0)[1] == 0


def test_an_idle_source_is_used_in_place_and_a_live_one_never_taken_over():
    live, idle = Slot(0, [1, 2, 3], "me", is_live=True), Slot(1, [9], "me", last_used=5)
    empty = Slot(2)
    source, length = best_source([live, idle, empty], [1, 2, 3, 4], "me", 0)
    assert (source, length) == (live, 3)
    assert choose_target([live, idle, empty], source, 3, "me") is empty
    same = Slot(3, [1, 2, 3], "me")
    assert best_source([live, same], [1, 2, 3, 4], "me", 0)[0] is same
    assert choose_target([live, same], same, 3, "me") is same


def test_the_least_recently_used_goes_first():
    slots = [Slot(0, [1], "a", last_used=3), Slot(1, [2], "b", last_used=1)]
    assert choose_target(slots, None, 0, "") is slots[1]
    for slot in slots:
        slot.is_live = True
    assert choose_target(slots, None, 0, "") is None


def test_a_slot_of_which_little_can_be_kept_is_left_alone():
    own, empty = Slot(0, [1, 2, 3, 4, 5, 6, 7], "me", last_used=4), Slot(1)
    assert choose_target([own, empty], own, 3, "me") is empty
    assert choose_target([own, empty], own, 4, "me") is own
    assert choose_target([own, empty], own, 7, "you") is empty
