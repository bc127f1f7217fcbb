"""Checkpoint files: whole or not at all, verified, and nothing of a bad one is loaded or executed."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn
from microgradnp.train import archives
from tests.train.networks import by_hand, classes, classifier, noisy, same, sgd
from tests.train.resuming import digest, run

LOSS = nn.CrossEntropyLoss()
FULL = Path("/dev/full")


@pytest.fixture(params=[".npz", ".safetensors"])
def path(request: Any, tmp_path: Any) -> Path:
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"run{request.param}"


def trained(path: Path, model: Any = None, **options: Any) -> Any:
    model = model or noisy()
    options = {"epochs": 2, "batch_size": 8, "metrics": "accuracy", **options}
    return model, mg.train.fit(model, classes(), LOSS, sgd(model, momentum=0.9), checkpoint=path, **options)


def test_a_checkpoint_holds_the_run(path: Path) -> None:
    model, history = trained(path)
    checkpoint = mg.train.load_checkpoint(path)
    assert (checkpoint.epoch, checkpoint.batch, checkpoint.step) == (2, 0, 8)
    assert same(checkpoint.model, model.state_dict())
    np.testing.assert_array_equal(checkpoint.history.losses, history.losses)
    assert repr(checkpoint).startswith("Checkpoint of Sequential(5 layers) after 2 epochs and 8 updates: 8 arrays, ")
    twin, optimizer = noisy(1), None
    checkpoint.restore(twin)
    assert same(twin.state_dict(), model.state_dict())
    optimizer = sgd(twin, momentum=0.9)
    checkpoint.restore(twin, optimizer)
    for name, value in optimizer.state_dict().items():
        np.testing.assert_array_equal(value, checkpoint.optimizer[name])


def test_a_run_goes_on_from_either_format(path: Path) -> None:
    wanted = digest(run(path.with_stem("whole")))
    run(path, epochs=1)
    assert digest(run(path)) == wanted


def test_the_best_weights_are_there_beside_the_last(path: Path) -> None:
    model, history = trained(path, epochs=40, early_stopping=1, batch_size=None)
    assert history.stopped
    assert same(mg.train.load_checkpoint(path).best, model.state_dict())


def test_a_checkpoint_of_ones_own_loop(path: Path) -> None:
    predict, p = by_hand()
    optimizer = mg.optim.SGD(list(p.values()), 0.1, momentum=0.5)
    LOSS(predict(classes()[0]), classes()[1]).backward()
    optimizer.step()
    mg.train.save_checkpoint(path, predict, optimizer, extra={"epoch": 3})
    checkpoint = mg.train.load_checkpoint(path)
    assert checkpoint.extra == {"epoch": 3}
    again, q = by_hand()
    checkpoint.restore(again, mg.optim.SGD(list(q.values()), 0.1, momentum=0.5))
    assert all(np.array_equal(p[name].data, q[name].data) for name in p)
    with pytest.raises(ValueError, match="pass the optimizer"):
        mg.train.save_checkpoint(path, predict)


@pytest.mark.parametrize("value", [np.float32([1, 2]), np.int64(3), np.ones((0, 3)), np.array(1.5), np.arange(6.0).reshape(2, 3).T, np.array([True]), np.array([1 + 2j]), np.arange(3, dtype=">i4")], ids=lambda v: f"{v.dtype}{v.shape}")  # fmt: skip
def test_arrays_come_back_as_they_were(value: Any, tmp_path: Any) -> None:
    archives.write(tmp_path / "a.npz", {"a/b.c": value}, {"x": [1, "é", float("inf")]})
    arrays, meta = archives.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(arrays["a/b.c"], value)
    assert arrays["a/b.c"].dtype == value.dtype.newbyteorder("=")
    assert meta == {"version": 1, "x": [1, "é", float("inf")]}


def test_the_same_content_gives_the_same_bytes(tmp_path: Any) -> None:
    for name in ("a.npz", "b.npz"):
        mg.train.save_checkpoint(tmp_path / name, noisy())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


# -- files that are not what they should be ------------------------------------------------------------------------------


def refused(path: Path, message: str = "is no|not read") -> None:
    """Neither read, nor resumed from; and the model is as before."""
    with pytest.raises(mg.train.ArchiveError, match=message):
        mg.train.load_checkpoint(path)
    model = noisy()
    before = model.state_dict()
    with pytest.raises(mg.train.ArchiveError):
        trained(path, model, resume=True)
    assert same(model.state_dict(), before)


def test_cut_off_at_any_length(path: Path) -> None:
    trained(path, epochs=1)
    content = path.read_bytes()
    for length in [*range(40), *range(40, len(content), len(content) // 25), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(mg.train.ArchiveError):
            mg.train.load_checkpoint(path)
    path.write_bytes(content[:-1])
    refused(path, "intact|not read|claim")


def test_any_flipped_bit_is_noticed_or_does_not_matter(path: Path, rng: Any) -> None:
    model = nn.Linear(2, 2, rng=0)
    mg.train.save_checkpoint(path, model, extra={"a": 1})
    content, wanted, unnoticed = path.read_bytes(), model.state_dict(), 0
    for place in rng.permutation(len(content))[:400]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            checkpoint = mg.train.load_checkpoint(path)
        except mg.train.ArchiveError:
            continue
        unnoticed += 1  # the date or the attributes of a member of the zip file
        assert same(checkpoint.model, wanted)
        assert checkpoint.extra == {"a": 1}
    assert unnoticed < 100


class Bomb:
    """Pickled, it runs a command when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def rewritten(path: Path, change: Any) -> None:
    """Write the members of a file anew, with some changed: a mapping of names to bytes."""
    with zipfile.ZipFile(path) as old:
        members = {m.filename: old.read(m) for m in old.infolist()}
    members = change(members) or members
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for name, content in members.items():
            new.writestr(name, content)


def npy(a: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, a, **options)
    return stream.getvalue()


def header(text: str, data: bytes = b"") -> bytes:
    """A .npy file with a header of the attacker's."""
    return b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text.encode() + data


HOSTILE: dict[str, tuple[Any, str]] = {
    "an array of objects": (lambda mark: npy(np.array([Bomb(mark)], dtype=object), allow_pickle=True), "objects are never read|makes no sense"),
    "a pickle in place of an array": (lambda mark: pickle.dumps(Bomb(mark)), "no array in NumPy's format"),
    "a header that calls": (lambda mark: header(f"{{'descr': __import__('os').mkdir({str(mark)!r}), 'fortran_order': False, 'shape': ()}}"), "makes no sense"),
    "a shape without its data": (lambda _: header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", b"\0" * 8), "states 8000000000000 bytes"),
    "a shape of many axes": (lambda _: header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(1,) * 65}}}", b"\0" * 8), "makes no sense"),
    "a negative shape": (lambda _: header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", b"\0" * 8), "makes no sense"),
    "a shape that overflows": (lambda _: header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**40}, {2**40})}}"), "states"),
    "a huge header": (lambda _: header("{" + " " * 100_000 + "}"), "header of 100002 bytes"),
    "a deep header": (lambda _: header("(" * 9000), "makes no sense"),
    "a header of a record type": (lambda _: header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", b"\0" * 8), "makes no sense"),
    "dates": (lambda _: npy(np.array(["2020"], dtype="M8[D]")), "not numbers"),
    "text": (lambda _: npy(np.array(["abc"])), "not numbers"),
    "nothing": (lambda _: b"", "no array in NumPy's format"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("member", ["arrays/model/0.weight.npy", "microgradnp.npy"])
def test_hostile_members(kind: str, member: str, tmp_path: Any) -> None:
    make, message = HOSTILE[kind]
    path, mark = tmp_path / "run.npz", tmp_path / "executed"
    trained(path, epochs=1)
    rewritten(path, lambda members: members | {member: make(mark)})
    refused(path, message)
    assert not mark.exists()


def test_a_zip_bomb(tmp_path: Any) -> None:
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("microgradnp.npy", npy(np.zeros(10_000_000)))
    refused(path, "members claim more bytes than the file has")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("microgradnp.npy", npy(np.random.default_rng(0).bytes(100)))
    refused(path, "is compressed|objects|no array|not numbers")


def test_members_that_overlap(tmp_path: Any) -> None:
    """A hundred names for the same bytes: each is honest, together they are not."""
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(path, "w") as bomb:
        bomb.writestr("arrays/0.npy", npy(np.zeros(100_000)))
        for i in range(1, 100):
            twin = zipfile.ZipInfo(f"arrays/{i}.npy")
            first = bomb.infolist()[0]
            twin.file_size = twin.compress_size = first.file_size
            twin.CRC, twin.header_offset = first.CRC, first.header_offset
            bomb.filelist.append(twin)
            bomb.NameToInfo[twin.filename] = twin
    refused(path, "members claim more bytes|intact")


@pytest.mark.parametrize("name", ["../../evil.npy", "/tmp/evil.npy", "arrays/../../evil.npy", "evil.py", "arrays/model/more.npy"])  # fmt: skip
def test_names_are_no_paths(name: str, tmp_path: Any) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = folder / "run.npz"
    trained(path, epochs=1)
    rewritten(path, lambda members: members | {name: npy(np.zeros(3))})
    refused(path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "run.npz"]
    assert not Path("/tmp/evil.npy").exists()


def signed(path: Path, change: Any) -> None:
    """Change arrays and facts of a file, and give it the right checksum: as somebody would who knows how."""
    arrays, meta = archives.read(path)
    change(arrays, meta)
    archives.write(path, arrays, meta)


@pytest.mark.parametrize(
    "change",
    [
        lambda a, m: m.pop("history"),
        lambda a, m: m.pop("optimizer"),
        lambda a, m: m["run"].update(finished="many"),
        lambda a, m: m["run"].update(batch=-1),
        lambda a, m: m["run"].update(batch=2**70),
        lambda a, m: m["run"].update(step=float("inf")),
        lambda a, m: m.pop("settings"),
        lambda a, m: m.update(settings=[]),
        lambda a, m: m["history"].update(frames=[[0, 0, 0, "x"]]),
        lambda a, m: m["history"].update(about=3),
        lambda a, m: m["run"].update(best=None),
        lambda a, m: m["sums"].update(total="much"),
        lambda a, m: m["streams"]["layers"].clear(),
        lambda a, m: m["streams"]["layers"]["3.rng"].update(bit_generator="Evil"),
        lambda a, m: m["streams"]["layers"]["3.rng"]["state"].update(state=-1),
        lambda a, m: m["streams"].update(order=3),
        lambda a, m: m["optimizer"].update(lr="fast"),
        lambda a, m: m["history"]["columns"].append("more"),
        lambda a, m: m["history"].update(frames=[[1, 2]]),
        lambda a, m: a.pop("model/0.weight"),
        lambda a, m: a.update({"model/0.weight": np.zeros((6, 2))}),
        lambda a, m: a.update({"model/0.weight": np.zeros((2, 6), np.float32)}),
        lambda a, m: a.update({"model/more": np.zeros(2)}),
        lambda a, m: a.update({"best/0.weight": np.zeros((2, 6))}),
        lambda a, m: a.update({"sums/predictions": np.zeros((3, 2))}),
        lambda a, m: m.update(kind="history"),
    ],
)
def test_contents_that_do_not_fit_load_nothing(change: Any, tmp_path: Any) -> None:
    path = tmp_path / "run.npz"
    trained(path, epochs=1)
    signed(path, change)
    model = noisy(5)
    optimizer = sgd(model, momentum=0.9)
    before, state = model.state_dict(), json.dumps(optimizer.state_dict(), default=str)
    with pytest.raises((mg.train.ArchiveError, mg.train.CheckpointError)):
        mg.train.fit(model, classes(), LOSS, optimizer, epochs=2, batch_size=8, metrics="accuracy", checkpoint=path, resume=True)  # fmt: skip
    assert same(model.state_dict(), before)
    assert json.dumps(optimizer.state_dict(), default=str) == state


def test_a_later_version(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(archives, "VERSION", 2)
    mg.train.save_checkpoint(tmp_path / "run.npz", noisy())
    monkeypatch.undo()
    with pytest.raises(mg.train.ArchiveError, match=r"a later version .*format 2, this one reads 1\): update"):
        mg.train.load_checkpoint(tmp_path / "run.npz")


def test_another_npz_file_is_no_checkpoint(tmp_path: Any) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros(3))
    refused(tmp_path / "data.npz", "none of an archive of ours")
    mg.train.History().save(tmp_path / "history.npz")
    assert mg.train.History.load(tmp_path / "history.npz").epochs == 0
    signed(tmp_path / "history.npz", lambda a, m: m["history"].update(columns=["loss"]))
    with pytest.raises(mg.train.ArchiveError, match=r"history.npz is not read: the parts of its history do not fit"):
        mg.train.History.load(tmp_path / "history.npz")
    refused(tmp_path / "history.npz", "holds no checkpoint, but 'history'")
    mg.train.save_checkpoint(tmp_path / "model.npz", noisy())
    with pytest.raises(mg.train.CheckpointError, match="not written by fit"):
        trained(tmp_path / "model.npz", resume=True)


def test_the_wrong_model_is_told_apart(tmp_path: Any) -> None:
    path = tmp_path / "run.npz"
    trained(path, epochs=1)
    with pytest.raises(mg.train.CheckpointError) as caught:
        trained(path, classifier(), resume=True)
    assert "does not fit Sequential(3 layers), and nothing was loaded" in str(caught.value)
    assert "2.weight, of shape (5, 2), is missing" in str(caught.value)
    with pytest.raises(mg.train.CheckpointError, match=r"0.weight has shape \(2, 6\), wanted is \(2, 5\)"):
        mg.train.load_checkpoint(path).restore(classifier())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 4}, "batch_size was 8, now it is 4"),
        ({"shuffle": False}, "shuffle was True, now it is False"),
        ({"metrics": ()}, r"metrics was \['accuracy'\], now it is \[\]"),
        ({"callbacks": [mg.train.PrintLoss()]}, "had 0 callbacks, now it has 1"),
        ({"record": 1}, "nothing was recorded before"),
        ({"seed": np.random.RandomState(0)}, "another kind|drawn by"),
    ],
)
def test_another_run_is_told_apart(options: Any, message: str, tmp_path: Any) -> None:
    path = tmp_path / "run.npz"
    trained(path, epochs=1)
    with pytest.raises(mg.train.CheckpointError, match=message):
        trained(path, resume=True, **options)


def test_other_data_are_told_apart(tmp_path: Any) -> None:
    path = tmp_path / "run.npz"
    trained(path, epochs=1)
    model = noisy()
    with pytest.raises(mg.train.CheckpointError, match="the data are not the same"):
        mg.train.fit(model, classes(seed=4), LOSS, sgd(model, momentum=0.9), epochs=2, batch_size=8, metrics="accuracy", checkpoint=path, resume=True)  # fmt: skip


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"checkpoint": "run.pkl"}, ValueError, "must end in .npz or .safetensors"),
        ({"checkpoint": "/dev/full.npz/run.npz"}, OSError, "there is no folder"),
        ({"checkpoint": "nowhere/run.npz"}, FileNotFoundError, "there is no folder nowhere; make it first"),
        ({"checkpoint": "run.npz", "checkpoint_every": 0}, ValueError, "checkpoint_every=0 must be at least 1"),
        ({"checkpoint": "run.npz", "checkpoint_every": "often"}, TypeError, "whole number"),
        ({"resume": True}, ValueError, "want checkpoint="),
    ],
)
def test_arguments(options: Any, error: Any, message: str, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    model = classifier()
    with pytest.raises(error, match=message):
        mg.train.fit(model, classes(), LOSS, sgd(model), epochs=1, **options)


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_device_is_no_file(tmp_path: Any) -> None:
    link = tmp_path / "run.npz"
    link.symlink_to(FULL)
    with pytest.raises(ValueError, match="no ordinary file"):
        mg.train.save_checkpoint(link, noisy())


def test_nothing_to_resume_is_a_beginning(tmp_path: Any) -> None:
    _, history = trained(tmp_path / "run.npz", resume=True)
    assert history.epochs == 2
    with pytest.raises(FileNotFoundError, match="there is no file"):
        mg.train.load_checkpoint(tmp_path / "other.npz")


def test_an_optimizer_without_a_state(tmp_path: Any) -> None:
    class Plain:
        def __init__(self, params: Any) -> None:
            self.params = list(params)

        def zero_grad(self) -> None: ...
        def step(self) -> None: ...

    model = classifier()
    with pytest.raises(TypeError, match="Plain has no state_dict"):
        mg.train.fit(model, classes(), LOSS, Plain(model.parameters()), epochs=1, checkpoint=tmp_path / "run.npz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "header of 0 bytes"),
        ((2**62).to_bytes(8, "little") + b"{}", "states a header of 4611686018427387904 bytes"),
        ((2).to_bytes(8, "little") + b"{}", "has no facts of ours"),
        ((4).to_bytes(8, "little") + b"[[[[", "no intact .safetensors file"),
        ((2).to_bytes(8, "little") + b"[]", "has no facts of ours"),
    ],
)
def test_hostile_safetensors(content: bytes, message: str, tmp_path: Any) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "run.safetensors"
    path.write_bytes(content)
    refused(path, message)


def test_a_safetensors_header_that_points_elsewhere(tmp_path: Any) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "run.safetensors"
    trained(path, epochs=1)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    facts = json.loads(content[8 : 8 + length])
    facts["model/0.weight"]["data_offsets"] = [0, 2**40]
    text = json.dumps(facts).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    refused(path, "no intact .safetensors file")


def test_without_the_library_an_error_says_what_to_do(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"pip install 'microgradnp\[safetensors\]', or use .npz"):
        mg.train.save_checkpoint(tmp_path / "run.safetensors", noisy())
    assert list(tmp_path.iterdir()) == []


# -- a full disk -----------------------------------------------------------------------------------------------------------


NO_DEVICE = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


@pytest.mark.parametrize("fails", [pytest.param("write", marks=NO_DEVICE), "fsync", "replace"])
def test_a_full_disk_leaves_the_checkpoint_before(fails: str, path: Path, monkeypatch: Any) -> None:
    trained(path, epochs=1)
    before = path.read_bytes()
    full = OSError(28, "No space left on device")

    def fail(*_: Any, **__: Any) -> Any:
        raise full

    if fails == "write":
        real = open

        def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            return real(FULL if "x" in mode else file, mode.replace("x", "w"), *args, **kwargs)

        monkeypatch.setattr("microgradnp.files.open", opened, raising=False)
    else:
        monkeypatch.setattr(f"os.{fails}", fail)
    with pytest.warns(
        mg.train.CheckpointWarning,
        match=r"^after 8 updates the checkpoint .* could not be written \(No space left on device\); what was there before is intact: that is the one after 4 updates, and training goes on$",
    ):
        _, history = trained(path, resume=True)
    monkeypatch.undo()
    assert history.epochs == 2
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match=r"history.* could not be written \(No space left on device\)"):
        history.save(path.with_stem("history"))
    assert mg.train.load_checkpoint(path).epoch == 1


def test_a_disk_that_is_really_full(tmp_path: Any) -> None:
    """The system itself lets no file grow beyond a limit."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "run.npz"
    program = f"""
import resource, sys, warnings
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
import microgradnp as mg
from tests.train.test_checkpoints import LOSS, classes, noisy, sgd, trained
trained({str(path)!r}, epochs=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
model = noisy()
history = mg.train.fit(model, classes(), LOSS, sgd(model, momentum=0.9), epochs=3, batch_size=8, metrics="accuracy", checkpoint={str(path)!r}, resume=True)
print(history.epochs)
"""
    del resource
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "3\n", done.stderr
    assert done.stderr.startswith("<string>:9: CheckpointWarning: ")  # the line that called fit
    assert "that is the one after 4 updates, and training goes on" in done.stderr
    assert mg.train.load_checkpoint(path).epoch == 1
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_leftovers_of_a_killed_writer_are_removed(tmp_path: Any) -> None:
    path = tmp_path / "run.npz"
    (tmp_path / ".run.npz.0123abcd").write_bytes(b"half")
    (tmp_path / ".run.npz.mine").write_bytes(b"mine")
    trained(path, epochs=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".run.npz.mine", "run.npz"]


def test_a_copy_of_the_file_is_as_good(tmp_path: Any) -> None:
    trained(tmp_path / "run.npz", epochs=1)
    shutil.copy(tmp_path / "run.npz", tmp_path / "copy.npz")
    _, history = trained(tmp_path / "copy.npz", resume=True)
    assert history.epochs == 2
