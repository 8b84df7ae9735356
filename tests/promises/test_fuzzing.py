"""The fuzz targets in short: they run, find nothing, and do find what is planted for them."""

import random
import sys
from pathlib import Path

import pytest

import minigrad as mg

TOOLS = Path(__file__).parents[2] / "tools" / "fuzz"

if not TOOLS.exists() or not sys.platform.startswith("linux"):
    pytest.skip("the fuzz targets are for a source tree, on Linux", allow_module_level=True)


def tool(name):
    sys.path.insert(0, str(TOOLS))
    try:
        return __import__(name)
    finally:
        sys.path.remove(str(TOOLS))


@pytest.fixture
def fuzz_load():
    return tool("files")


@pytest.fixture
def fuzz_calls():
    return tool("calls")


def test_files(fuzz_load, tmp_path):
    told = []
    done, findings = fuzz_load.fuzz(60, 0, tmp_path, 400, told.append)
    assert (done, findings) == (400, 0), told
    assert len(list(tmp_path.iterdir())) > 10  # new ways were found, and kept


def test_every_file_of_the_corpus(fuzz_load, tmp_path):
    target = fuzz_load.Target(tmp_path)
    files = sorted(fuzz_load.CORPUS.glob("*.safetensors"))
    assert len(files) > 5
    for path in files:
        assert target(path.read_bytes()) is None, path
        signed = fuzz_load.sign(path.read_bytes())
        assert signed in (None, path.read_bytes())


def test_changes_are_many(fuzz_load):
    rng = random.Random(0)
    corpus = [path.read_bytes() for path in sorted(fuzz_load.CORPUS.glob("*.safetensors"))]
    changed = {fuzz_load.change(rng, rng.choice(corpus), corpus) for _ in range(200)}
    assert len(changed) > 150
    signed = [data for data in changed if fuzz_load.sign(data) == data]
    assert len(signed) > 30  # these get past the checksum


@pytest.mark.parametrize(
    "wrong", [KeyError("x"), MemoryError(), RecursionError(), ValueError("no checkpoint error")]
)
def test_another_error_is_found(fuzz_load, tmp_path, monkeypatch, wrong):
    def load(path, verify):
        raise wrong

    monkeypatch.setattr(mg, "load", load)
    assert type(wrong).__name__ in fuzz_load.Target(tmp_path)(b"anything")


def test_accepted_damage_is_found(fuzz_load, tmp_path, monkeypatch):
    data = (fuzz_load.CORPUS / "one.safetensors").read_bytes()
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    target = fuzz_load.Target(tmp_path)
    assert target(damaged) is None
    monkeypatch.setattr(mg.serialization.checkpoint, "_check_sum", lambda file, header: None)
    assert "wrong checksum" in target(damaged)


def test_calls(fuzz_calls, tmp_path):
    told = []
    calls, findings = fuzz_calls.fuzz(60, 0, tmp_path, 150, told.append)
    assert calls > 500 and findings == 0, told
    outcomes = (tmp_path / "programs").read_text().splitlines()
    assert sum(": ok " in line for line in outcomes) > 100
    assert sum("_kernels." in line and ": ok " in line for line in outcomes) > 5
    assert sum(": ok " not in line for line in outcomes) > 200


def test_a_program_is_the_same_again(fuzz_calls, tmp_path):
    texts = [[], []]
    for text in texts:
        fuzz_calls.Target(tmp_path)(3, 14, text.append)
    assert texts[0] == texts[1] and texts[0]


def wrong_error(input):
    raise AttributeError("inner")


def changes(input):
    with mg.no_grad():
        input.add_(1)


def fails_half_way(input):
    changes(input)
    raise ValueError("late")


def draws_and_fails(input):
    mg.rand(1)
    raise ValueError("late")


@pytest.mark.parametrize("planted", [wrong_error, changes, fails_half_way, draws_and_fails])
def test_what_is_planted_is_found(fuzz_calls, tmp_path, planted):
    target = fuzz_calls.Target(tmp_path)
    values = fuzz_calls.Values(random.Random(0))
    x = mg.ones(3)
    parameters = fuzz_calls.parameters(planted)
    wrong, _, _ = target.one("planted", planted, parameters, [x], {}, values)
    assert wrong
    wrong, _, _ = target.one("relu", mg.relu, parameters, [x], {}, values)
    assert wrong is None
