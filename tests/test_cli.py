"""``microgradnp verify``: exit status, files, and one clear message for every way in which a file can be bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from microgradnp.cli import main
from microgradnp.verify import Report

HEAD = """
import numpy as np, microgradnp as mg
def made(title, factor):
    d = mg.Derivation(title)
    d.forward(lambda w: np.sum(w**2))
    d.gradient("w", lambda w: factor * w, name="dw")
    return d
"""
RIGHT = HEAD + "d = made('squares', 2.0)\nd.inputs(w=np.ones(3))\n"
WRONG = HEAD + "d = made('squares', 3.0)\nd.inputs(w=np.ones(3))\n"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that writes a file and verifies it: (status, standard output, standard error)."""

    def verify(source: str, *options: str, name: str = "") -> tuple[int, str, str]:
        path = tmp_path / "work.py"
        path.write_text(source, encoding="utf-8")
        status = main(["verify", f"{path}{name}", *options])
        said = capsys.readouterr()
        return status, said.out, said.err

    return verify


def test_a_right_file(run: Any) -> None:
    status, out, err = run(RIGHT)
    assert status == 0
    assert "1 of 1 claims are right" in out
    assert err == ""


def test_a_wrong_file(run: Any) -> None:
    status, out, _ = run(WRONG)
    assert status == 1
    assert "wrong" in out
    assert "0 of 1 claims are right" in out


def test_nothing_is_left_beside_the_file(run: Any, tmp_path: Path) -> None:
    run(RIGHT)
    assert [p.name for p in tmp_path.iterdir()] == ["work.py"]


@pytest.mark.parametrize(
    "inputs",
    [
        "d.inputs({'w': np.ones(3)})",
        "@d.inputs\ndef data(rng):\n    return {'w': rng.normal(size=3)}",
        "inputs = {'w': np.ones(3)}",
        "def inputs():\n    return {'w': np.ones(3)}",
        "def inputs(rng):\n    return {'w': rng.normal(size=3)}",
        "d.verify(w=np.ones(3))",
    ],
)
def test_ways_to_give_inputs(run: Any, inputs: str) -> None:
    assert run(f"{HEAD}d = made('squares', 2.0)\n{inputs}\n")[0] == 0
    assert run(f"{HEAD}d = made('squares', 3.0)\n{inputs}\n")[0] == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = (1,\ny = 2 +", "line 1: syntax error"),
        ("import numpy as np\nraise ValueError('no data')\n", "ValueError: no data\n    line 2: raise ValueError('no data')"),
        ("import sys\nsys.exit(0)\n", "called sys.exit(0)\n    line 2: sys.exit(0)"),
        ("def f():\n    return 1 / 0\nf()\n", "ZeroDivisionError: division by zero\n    line 2: return 1 / 0"),
        ("import nothing_like_it\n", "No module named 'nothing_like_it'\n    line 1"),
        ("x = 1\n", "has no derivations"),
        (HEAD + "d = made('squares', 2.0)\n", "has no inputs: state them with d.inputs"),
        (HEAD + "d = made('squares', 2.0)\nd.inputs(v=1.0)\n", "verify() misses w"),
        (HEAD + "d = mg.Derivation('empty')\nd.inputs(w=1.0)\n", "has no forward function"),
        (HEAD + "d = made('squares', 2.0)\n@d.inputs\ndef data():\n    return 1 / 0\n", "line 11: return 1 / 0"),
        (HEAD + "d = mg.Derivation()\n@d.forward\ndef f(w):\n    return np.sum(w) + missing\n"
         "d.gradient('w', lambda w: w)\nd.inputs(w=np.ones(2))\n", "line 11: return np.sum(w) + missing"),
        (HEAD + "d = made('squares', 2.0)\nd.gradient('v', lambda w: w)\nd.inputs(w=np.ones(2))\n", "no quantity of that name"),
    ],
)  # fmt: skip
def test_bad_files_get_one_clear_message(run: Any, source: str, said: str) -> None:
    status, out, err = run(source)
    assert status == 2
    assert said in err
    assert err.startswith("microgradnp verify: ")
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("while True:\n    pass\n", "importing it took longer"),
        ("import time\ntime.sleep(60)\n", "line 2: time.sleep(60)"),
        ("while True:\n    try:\n        while True: pass\n    except Exception:\n        pass\n", "took longer"),
        (HEAD + "d = mg.Derivation()\n@d.forward\ndef f(w):\n    while True: w = w * 1\n"
         "d.gradient('w', lambda w: w)\nd.inputs(w=1.0)\n", "verifying it took longer"),
    ],
)  # fmt: skip
def test_files_that_hang(run: Any, source: str, where: str) -> None:
    status, _, err = run(source, "--timeout", "0.5")
    assert status == 2
    assert where in err
    assert "--timeout" in err


def test_no_such_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["verify", str(tmp_path / "none.py")]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert main(["verify", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


SEVERAL = HEAD + (
    "a = made('first', 2.0)\na.inputs(w=np.ones(2))\nb = made('second', 3.0)\nb.inputs(w=np.ones(2))\n"
    "c = made('third', 2.0)\nc.inputs(v=1.0)\nalso = a\n"
)


def test_all_are_judged_whatever_becomes_of_the_others(run: Any, tmp_path: Path) -> None:
    status, out, err = run(SEVERAL, "--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html"))
    assert status == 1
    assert out.index("first") < out.index("second")
    assert "::c" in err
    found = json.loads((tmp_path / "r.json").read_text())
    assert (found["schema"], found["version"], found["status"]) == ("microgradnp/verification", 1, 1)
    assert list(found["derivations"]) == ["a", "b", "c"]
    assert "misses w" in found["derivations"]["c"]["error"]
    assert Report.from_json(json.dumps(found["derivations"]["b"]))["w"].status == "wrong"
    page = (tmp_path / "r.html").read_text()
    assert page.count("<section>") == 3
    assert "could not be checked" in page


def test_one_by_name_or_title(run: Any) -> None:
    assert run(SEVERAL, name="::a")[0] == 0
    assert run(SEVERAL, name="::also")[0] == 0
    assert run(SEVERAL, name="::second")[0] == 1
    status, _, err = run(SEVERAL, name="::d")
    assert status == 2
    assert "no derivation 'd'; there are a (first), b (second), c (third)" in err


def test_prints_of_the_file_do_not_mix_with_the_report(run: Any) -> None:
    status, out, err = run(RIGHT + "print('noise')\n")
    assert status == 0
    assert "noise" not in out
    assert "noise" in err


def test_a_file_is_no_main_program(run: Any) -> None:
    assert run(RIGHT + "if __name__ == '__main__':\n    raise SystemExit(7)\n")[0] == 0


def test_modules_beside_the_file_can_be_imported(run: Any, tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("factor = 2.0\n")
    assert run(HEAD + "from beside_it import factor\nd = made('x', factor)\nd.inputs(w=np.ones(2))\n")[0] == 0


def test_seed_and_trials_reach_the_inputs(run: Any) -> None:
    rare = HEAD + (
        "d = mg.Derivation()\nd.forward(lambda w: np.sum(np.abs(w)))\nd.gradient('w', lambda w: np.ones(w.shape))\n"
        "@d.inputs\ndef data(rng):\n    w = rng.normal(size=1)\n    return {'w': w}\n"
    )
    by_seed = [run(rare, "--seed", str(seed))[0] for seed in range(6)]
    assert set(by_seed) == {0, 1}
    assert run(rare, "--seed", "0", "--trials", "6")[0] == 1


def test_unverifiable_is_status_2(run: Any) -> None:
    source = (
        HEAD + "d = made('x', 2.0)\nd.gradient('w[i]', lambda w, i: w.nothing, name='dwi')\nd.inputs(w=np.ones(2))\n"
    )
    assert run(source)[0] == 2


@pytest.mark.parametrize("options", [("--html", "none/r.html"), ("--json", "none/r.json")])
def test_files_that_cannot_be_written_are_told_before_the_work(run: Any, options: tuple[str, str]) -> None:
    status, out, err = run(RIGHT, *options)
    assert status == 2
    assert out == ""
    assert "there is no folder none" in err


@pytest.mark.parametrize("options", [("--trials", "0"), ("--trials", "x"), ("--timeout", "-1"), ("--timeout", "nan")])
def test_bad_options(run: Any, options: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as raised:
        run(RIGHT, *options)
    assert raised.value.code == 2


def test_graph(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "g.py").write_text(RIGHT)
    assert main(["graph", str(tmp_path / "g.py"), "--out", str(tmp_path / "g.dot")]) == 0
    assert "digraph" in (tmp_path / "g.dot").read_text()
    (tmp_path / "g.py").write_text(SEVERAL)
    assert main(["graph", str(tmp_path / "g.py"), "--out", str(tmp_path / "h.dot")]) == 2
    assert "several derivations" in capsys.readouterr().err


def test_right_given_what_cannot_be_computed_is_not_wrong(run: Any) -> None:
    source = HEAD + (
        "d = mg.Derivation()\n@d.forward\ndef f(w):\n    z = 2 * w\n    return np.sum(z**2)\n"
        "d.gradient('z', lambda z: z.nothing, name='dz')\nd.gradient('w', lambda dz: 2 * dz, name='dw')\n"
        "d.inputs(w=np.ones(2))\n"
    )
    assert run(source)[0] == 2
