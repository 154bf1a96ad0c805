"""Compiling at run time, and the cache of what was compiled."""

import pytest

from llama_ui.engine.local.kernels import compiler, nf4, step

DEFINES = nf4.tiling(256, 1, False, 227 * 1024).defines


def has_compiler() -> bool:
    try:
        from cuda.bindings import nvrtc

        return int(nvrtc.nvrtcVersion()[0]) == 0
    except (ImportError, RuntimeError):
        return False


needs_compiler = pytest.mark.skipif(not has_compiler(), reason="NVRTC is not installed here")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "llama-ui" / "kernels"


@pytest.mark.skipif(has_compiler(), reason="NVRTC is installed here")
def test_without_a_compiler_the_fault_says_so():
    with pytest.raises(compiler.CompileError, match="nvrtc"):
        compiler.compile_all("nf4.cu", (9, 0), [DEFINES])


@needs_compiler
@pytest.mark.parametrize("capability", [(8, 0), (8, 6), (8, 9), (9, 0)])
def test_every_kernel_compiles_for_every_kind_of_gpu(capability, folder):
    kinds = {
        nf4.tiling(tiles, rows, is_paired, 99 * 1024).defines
        for tiles in (43, 256)
        for rows in (1, 16, 64)
        for is_paired in (False, True)
    }
    compiler.compile_all("nf4.cu", capability, kinds)
    compiler.compile_all("step.cu", capability, [(("COUNT", step.CANDIDATES),)])
    heads = (("HEAD_DIM", 128), ("GROUPS", 8))
    compiler.compile_all("attention.cu", capability, [(*heads, ("CACHE_8BIT", n)) for n in (0, 1)])
    assert len([*folder.glob("*.cubin")]) == len(kinds) + 3


@needs_compiler
def test_what_is_kept_is_not_compiled_again_and_mended_when_damaged(folder):
    first = compiler.binary("nf4.cu", (9, 0), DEFINES)
    (kept,) = folder.glob("*")
    whole, written = kept.read_bytes(), kept.stat().st_mtime_ns
    assert compiler.binary("nf4.cu", (9, 0), DEFINES) == first
    assert kept.stat().st_mtime_ns == written
    for damaged in (b"", whole[:-100], whole[:-1] + b"!"):
        kept.write_bytes(damaged)
        assert compiler.binary("nf4.cu", (9, 0), DEFINES) == first
        assert kept.read_bytes() == whole


@needs_compiler
def test_a_cache_that_cannot_be_written_costs_time_only(folder, caplog):
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    assert compiler.binary("nf4.cu", (9, 0), DEFINES)
    assert "not kept" in caplog.text


@needs_compiler
def test_a_source_that_is_wrong_is_told():
    with pytest.raises(compiler.CompileError, match="WARPS_K"):
        compiler.compile_all("nf4.cu", (9, 0), [DEFINES[:1]])
