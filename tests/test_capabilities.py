"""The table of what the five documents need names what exists."""

import importlib
import re
from pathlib import Path

import pytest

import microgradnp as mg

ROOT = Path(__file__).parent.parent
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in (ROOT / "docs" / "documents.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| F-\d\d ", line)
]


def quoted(cell):
    found = re.findall(r"`([^`]+)`", cell)
    assert found, f"nothing is named in {cell!r}"
    return found


def reached(root, path):
    for part in path:
        root = getattr(root, part)
    return root


def test_every_capability_has_its_row():
    assert [row[0] for row in ROWS] == [f"F-{n:02}" for n in range(1, 64)]
    assert all(len(row) == 5 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_row_names_exists(row, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    _, _, names, examples, tests = row
    for name in quoted(names):
        package, *path = name.split(".")
        assert package == "mg"
        reached(mg, path)
    for example in quoted(examples):
        module, *path = example.split(".")
        reached(importlib.import_module(module), path)
    for test in quoted(tests):
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name or 'test_.*'}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("document_*.py")), ids=lambda path: path.stem)
def test_documents_use_no_private_name(path):
    assert not re.search(r"\._[a-z]", path.read_text(encoding="utf-8"))
