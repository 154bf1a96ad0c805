"""The folder of a training: gone on with only by the same, and never half-written."""

import os

import pytest

from llama_ui.errors import ChatError
from llama_ui.tuning.folder import open_folder

ABOUT = {"model": "pocket-llama", "data": "1", "recipe": {"rank": 16}}


def checkpoint(folder, step, is_whole=True):
    path = folder.checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "trainer_state.json").write_text("{}")
    if is_whole:
        folder.mark(path)
    return path


def test_the_latest_whole_checkpoint_is_gone_on_with(tmp_path):
    folder = open_folder(tmp_path / "out", ABOUT, 0)
    assert folder.last_checkpoint() is None
    checkpoint(folder, 9)
    last = checkpoint(folder, 10)
    half = checkpoint(folder, 12, is_whole=False)
    assert open_folder(tmp_path / "out", ABOUT, 0).last_checkpoint() == last
    assert not half.exists()


def save(folder):
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_text("weights")


def test_the_adapter_is_there_whole_or_not_at_all(tmp_path):
    folder = open_folder(tmp_path / "out", ABOUT, 0)

    def fail(new):
        save(new)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        folder.keep_adapter(fail, "card")
    assert not (folder.path / "adapter_config.json").exists()
    folder.keep_adapter(save, "card")
    assert (folder.path / "README.md").read_text() == "card"
    assert not (folder.path / "adapter.new").exists()


def test_a_finished_training_is_not_begun_again(tmp_path):
    folder = open_folder(tmp_path / "out", ABOUT, 0)
    checkpoint(folder, 9)
    folder.finish()
    assert not folder.checkpoints.exists()
    with pytest.raises(ChatError, match="is finished already") as fault:
        open_folder(tmp_path / "out", ABOUT, 0)
    assert "--adapter" in fault.value.next_step


def test_another_training_and_other_files_are_left_alone(tmp_path):
    open_folder(tmp_path / "out", ABOUT, 0)
    with pytest.raises(ChatError, match="holds another training"):
        open_folder(tmp_path / "out", {**ABOUT, "data": "2"}, 0)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("mine")
    with pytest.raises(ChatError, match="holds something else already"):
        open_folder(tmp_path / "mine", ABOUT, 0)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note.txt"]


def test_a_disk_without_room_is_told_before_it_begins(tmp_path):
    with pytest.raises(ChatError, match=r"free; checkpoints take up to 4000\.0 TB"):
        open_folder(tmp_path / "out", ABOUT, 10**15)


def test_a_place_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(ChatError, match="cannot be written"):
            open_folder(place, ABOUT, 0)


def test_a_damaged_note_is_told(tmp_path):
    open_folder(tmp_path / "out", ABOUT, 0)
    (tmp_path / "out" / "tuning.json").write_text("{")
    with pytest.raises(ChatError, match="is damaged"):
        open_folder(tmp_path / "out", ABOUT, 0)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_room_is_tried_by_writing(tmp_path):
    folder = open_folder(tmp_path / "out", ABOUT, 0)
    assert not folder.is_full(1)
    (folder.path / "probe.new").symlink_to("/dev/full")
    assert folder.is_full(1)
