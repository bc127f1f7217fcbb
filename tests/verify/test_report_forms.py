"""A report in all its forms: text of any width, HTML, JSON, notebook, the message of a failed test."""

from __future__ import annotations

import copy
import io
import json
import shutil
import struct
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.verify import Derivation, Report, Status, Verdict, WrongDerivation, heat, report_html
from microgradnp.verify.report_text import formulas, marked

EVIL = '<script>alert("x")</script>&<b>'


@pytest.fixture(scope="module")
def report() -> Report:
    """Right, wrong, wrong in shape, right given a wrong one, not computable; names that are markup."""
    d = Derivation(f"layers {EVIL}")

    @d.forward
    def forward(X, T, W):
        Z = X @ W
        A = np.tanh(Z)
        loss = np.sum((A - T) ** 2)
        return loss

    d.gradient("A", lambda A, T: 2 * (A - T), name="dA")
    d.gradient("Z", lambda dA: dA, name="dZ")
    d.gradient("W", lambda X, dZ: X.T @ dZ, name="dW")
    d.gradient("X", lambda dZ, W: W @ dZ.T, name="dX")
    d.gradient("T", lambda A: A @ A @ A @ "x", name=f"dT{EVIL}")
    rng = np.random.default_rng(0)
    return d.verify(X=rng.normal(size=(4, 3)), T=rng.normal(size=(4, 2)), W=rng.normal(size=(3, 2)))


class Page(HTMLParser):
    """The elements of a page: open ones have to be closed, in order."""

    VOID = frozenset(("meta", "img", "br", "rect", "path", "link"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID or (tag in ("rect", "path") and self.get_starttag_text()[-2:] != "/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append((self.open[-1] if self.open else "", data))

    def count(self, tag: str) -> int:
        return sum(t == tag for t, _ in self.tags)


def test_the_page_is_whole_and_says_all(report: Report, tmp_path: Path) -> None:
    text = report.to_html(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == text
    page = Page(text)
    words = "".join(w for tag, w in page.words if tag not in ("script", "style"))
    assert page.count("details") == len(report)
    for v in report:
        assert v.name in words
        assert str(v.status) in words
        assert v.formula in words
    assert "The first mistake: dZ" in words
    assert "1 of 5 claims are right" in words
    assert page.count("svg") >= 6  # two heat pictures or three for each claim that is not right, and the graph
    assert page.count("script") == 1  # ours: what the user writes is no markup
    assert 'alert("x")' in words


def test_the_page_needs_no_network(report: Report) -> None:
    for tag, attributes in Page(report.to_html()).tags:
        for key, value in attributes.items():
            if key in ("src", "href", "xlink:href", "action", "data"):
                assert (value or "").startswith(("data:", "#")), (tag, key, value)
    assert "@import" not in report.to_html()
    assert "url(" not in report_html.STYLE


def test_the_notebook_shows_the_rows_without_the_graph(report: Report) -> None:
    page = Page(report._repr_html_())
    assert page.count("details") == len(report)
    assert page.count("script") == page.count("html") == 0


def test_a_right_report_has_no_first_mistake() -> None:
    right = Report("fine", [Verdict("dw", "w", "gradient", Status.CORRECT)], None, None)
    words = "".join(w for _, w in Page(right.to_html()).words)
    assert "1 of 1 claims are right" in words
    assert "first mistake" not in words


def test_reports_are_written_into_folders_that_exist(report: Report, tmp_path: Path) -> None:
    for write in (report.to_html, report.to_json):
        with pytest.raises(FileNotFoundError, match=r"there is no folder .*; make it first"):
            write(tmp_path / "none" / "file")
    assert not list(tmp_path.iterdir())


# -- heat ----------------------------------------------------------------------------------------------------


def test_large_arrays_keep_every_wrong_entry_visible() -> None:
    gap = np.zeros((1000, 700))
    gap[777, 333] = -5.0
    small = heat.strongest(heat.strongest(gap, heat.PIXELS, 0), heat.PIXELS, 1)
    assert small.shape == (heat.PIXELS, heat.PIXELS)
    assert small.min() == -5.0
    assert 'src="data:image/png;base64,' in heat.picture(gap, 5.0, "gap")


def test_small_arrays_have_a_cell_for_each_entry_and_a_frame_for_each_wrong_one() -> None:
    wrong = np.array([[True, False, False], [False, False, True]])
    text = heat.picture(np.array([[1.0, np.nan, 0.0], [np.inf, -2.0, 3.0]]), 3.0, 'a "b" <c>', wrong)
    page = Page(text)
    assert page.count("rect") == 6 + 2
    assert page.count("path") == 1  # the nan is crossed out


def test_pixels_are_a_png() -> None:
    rgb = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    data = heat.png(rgb)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    raw = np.frombuffer(zlib.decompress(data[at + 4 : at + 4 + length]), np.uint8).reshape(2, 10)
    np.testing.assert_array_equal(raw[:, 1:].reshape(2, 3, 3), rgb)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 3, 4), (30, 2), (0, 3), (500,)])
def test_arrays_of_any_shape_have_a_picture(shape: tuple[int, ...]) -> None:
    Page(heat.picture(np.ones(shape), 1.0, "x"))


# -- JSON ----------------------------------------------------------------------------------------------------


def test_json_round_trip(report: Report, tmp_path: Path) -> None:
    text = report.to_json(tmp_path / "r.json")
    for again in (Report.from_json(text), Report.from_json(tmp_path / "r.json")):
        assert again.text() == copy_without_graph(report).text()
        for a, b in zip(report, again, strict=True):
            assert (a.name, a.of, a.kind, a.status, a.cause, a.notes) == (
                b.name,
                b.of,
                b.kind,
                b.status,
                b.cause,
                b.notes,
            )
            assert a.right_formula == b.right_formula
            np.testing.assert_array_equal(a.autodiff, b.autodiff)
            np.testing.assert_array_equal(a.differences, b.differences)
    found = json.loads(text)
    assert (found["schema"], found["version"], found["ok"]) == ("microgradnp/report", 1, False)
    assert found["first_mistake"] == "dZ"


def copy_without_graph(report: Report) -> Report:
    new = copy.copy(report)
    new.graph = None
    return new


def test_json_has_words_for_what_is_no_number() -> None:
    bad = Verdict("dw", "w", "gradient", Status.WRONG, hand=np.array([np.nan, np.inf, -np.inf]), autodiff=np.ones(3))
    text = Report("", [bad], None, None).to_json()
    values = json.loads(text, parse_constant=lambda name: pytest.fail(name))["verdicts"][0]["hand"]["values"]
    assert values == ["nan", "inf", "-inf"]
    np.testing.assert_array_equal(Report.from_json(text)["w"].hand, bad.hand)


def test_json_without_arrays_keeps_the_worst_entry(report: Report) -> None:
    found = json.loads(report.to_json(arrays=False))["verdicts"][1]
    assert found["hand"] is None
    assert found["entry"]["autodiff"] == pytest.approx(float(report["Z"].autodiff[tuple(found["entry"]["index"])]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is no JSON"),
        ('{"schema": "other"}', "its schema is 'other'"),
        ('{"schema": "microgradnp/report", "version": 99}', "has version 99"),
        ('{"schema": "microgradnp/report", "version": 1, "verdicts": [{}]}', "damaged"),
    ],
)
def test_other_json_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Report.from_json(text)


# -- text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal(report: Report, width: int) -> None:
    lines = report.text(width, ascii=True).splitlines()
    assert max(len(line) for line in lines if line[:1] in "+|") <= width
    assert all(line.isascii() for line in lines)


def test_a_rich_console_cuts_nothing(report: Report) -> None:
    from rich.console import Console

    console = Console(width=60, record=True, file=io.StringIO())
    console.print(report)
    words = console.export_text().split()
    for v in report:
        if v.explanation:
            assert v.explanation.split()[-1] in words


def test_text_does_nothing_to_a_terminal() -> None:
    nasty = Report("\x1b[31mred", [Verdict("dw\x07", "w", "gradient", Status.CORRECT)], None, None)
    assert not {"\x1b", "\x07"} & set(str(nasty))


@pytest.mark.parametrize("pair", [("H * E", "H * (1 - H) * E"), ("X.T @ d", "d @ X.T"), ("a", "b"), ("", "x")])
def test_marking_loses_nothing(pair: tuple[str, str]) -> None:
    for text, other in (pair, pair[::-1]):
        assert "".join(part for part, _ in marked(text, other)) == text


def test_formulas_stand_above_each_other_with_the_difference_below() -> None:
    v = Verdict("Eh", "Zh", "gradient", Status.WRONG, formula="H * Eo", derive=lambda: "H * (1 - H) * Eo")
    assert formulas(v, ascii=True) == [
        "by hand: H * Eo",
        "right:   H * (1 - H) * Eo",
        "             ^^^^^^^^^",
    ]


# -- tests of derivations ------------------------------------------------------------------------------------


def test_assert_derivation(report: Report) -> None:
    with pytest.raises(WrongDerivation, match=r"dZ .*wrong") as raised:
        mg.assert_derivation(report)
    assert "by hand: dA" in str(raised.value)
    assert "mend dZ first" in str(raised.value)
    d = Derivation()
    d.forward(lambda w: np.sum(w**2))
    d.gradient("w", lambda w: 2 * w)
    assert mg.assert_derivation(d, w=np.ones(2)).ok
    with pytest.raises(TypeError, match="not int"):
        mg.assert_derivation(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="judged already"):
        mg.assert_derivation(report, w=1.0)


def test_stated_inputs() -> None:
    d = Derivation()
    d.forward(lambda w: np.sum(w**2))
    d.gradient("w", lambda w: 2 * w)
    d.inputs(w=np.ones(2))
    assert d.verify().ok
    d.inputs(lambda: {"w": np.ones(3)})
    assert d.verify()["w"].autodiff.shape == (3,)
    d.inputs(lambda rng: {"w": rng.normal(size=4)})
    assert d.verify()["w"].autodiff.shape == (4,)
    assert d.verify(w=np.ones(2))["w"].autodiff.shape == (2,)
    d.inputs(lambda: 3)
    with pytest.raises(mg.verify.DerivationError, match="returned int: return the inputs by name"):
        d.verify()


def test_the_fixture(tmp_path: Path) -> None:
    """In a pytest of its own: one test passes, one fails and says why; no frame of ours is in its way."""
    (tmp_path / "test_it.py").write_text(
        "import numpy as np, microgradnp as mg\n"
        "def made(formula):\n"
        "    d = mg.Derivation('squares')\n"
        "    d.forward(lambda w: np.sum(w**2))\n"
        "    d.gradient('w', formula, name='dw')\n"
        "    return d\n"
        "def test_right(assert_derivation):\n"
        "    assert_derivation(made(lambda w: 2 * w), w=np.ones(2))\n"
        "def test_wrong(assert_derivation):\n"
        "    assert_derivation(made(lambda w: 3 * w), w=np.ones(2))\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "1 of 1 claims of squares are not right" in done.stdout
    assert "raise_if_wrong" not in done.stdout


def test_starting_pytest_imports_no_numpy() -> None:
    code = "import sys, pytest_microgradnp; print('numpy' in sys.modules, 'microgradnp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# -- in a browser --------------------------------------------------------------------------------------------

BROWSER = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
def test_a_fold_opens_in_a_browser(report: Report, tmp_path: Path) -> None:
    probe = (
        "<script>var b=document.querySelector('.mgr button');b.click();document.title="
        "Array.from(document.querySelectorAll('.mgr details')).map(d=>d.open&&d.querySelector('.inside').offsetHeight>20)"
        ".join()+' '+(document.documentElement.scrollWidth<=document.documentElement.clientWidth)</script></body>"
    )
    path = tmp_path / "r.html"
    path.write_text(report.to_html(graph=False).replace("</body>", probe), encoding="utf-8")
    done = subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=390,800",
         "--dump-dom", path.as_uri()], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert f"<title>{','.join(['true'] * len(report))} true</title>" in done.stdout
