"""Recipes by the size of a model, and the memory that they take."""

import pytest

from llama_ui.engine.loading.memory import Device
from llama_ui.engine.loading.shape import LLAMA_2
from llama_ui.errors import ModelError
from llama_ui.tuning.recipe import Wishes, choose_recipe, training_need

GB = 10**9
T4, A100 = Device("T4", 1, 15 * GB), Device("A100", 1, 79 * GB)


def recipe(model, device, held="4bit", method="sft", rows=1_000, longest=1_024, **wishes):
    config = LLAMA_2[model]
    return choose_recipe(
        model, config, device, held, method, rows, longest, 1_024, Wishes(**wishes)
    )


def test_7b_fits_a_t4_in_4_bit():
    found, need = recipe("7b", T4)
    assert found.recomputes
    assert found.batch * found.accumulate == 16
    assert need < 15 * GB
    assert found.learning_rate == 2e-4


def test_a_larger_gpu_takes_more_rows_at_once():
    assert recipe("7b", A100)[0].batch > recipe("7b", T4)[0].batch


def test_the_same_training_goes_on_with_less_memory():
    (small, _), (large, _) = recipe("7b", T4), recipe("7b", A100)
    assert small != large
    assert small.identity == large.identity


def test_what_does_not_fit_is_refused_with_what_does():
    with pytest.raises(ModelError, match=r"Teaching 70b takes .* memory") as fault:
        recipe("70b", T4)
    assert "Choose a smaller model" in fault.value.next_step
    small = Device("GPU", 1, training_need(LLAMA_2["7b"], T4, "4bit", "sft", 16, 512, True))
    with pytest.raises(ModelError) as fault:
        recipe("7b", small)
    assert "With --context 512 it fits" in fault.value.next_step


def test_on_a_cpu_weights_are_counted_in_float32():
    with pytest.raises(ModelError):
        recipe("7b", Device("CPU", 0, 25 * GB), held="none")
    assert recipe("7b", Device("CPU", 0, 60 * GB), held="none")[1] > 27 * GB


@pytest.mark.parametrize(
    ("rows", "step"), [(1, 1), (11, 1), (12, 2), (27, 4), (96, 16), (9_999, 16)]
)
def test_few_rows_make_small_steps(rows, step):
    found, _ = recipe("7b", A100, rows=rows)
    assert found.batch * found.accumulate == step
    assert found.steps(rows) == found.epochs * -(-rows // step)


def test_wishes_go_before_what_is_usual():
    found, _ = recipe("7b", A100, epochs=9, learning_rate=0.5, rank=3)
    assert (found.epochs, found.learning_rate, found.rank, found.alpha) == (9, 0.5, 3, 6)


def test_preferences_are_learned_more_slowly():
    assert recipe("7b", A100, method="dpo")[0].learning_rate == 5e-5
