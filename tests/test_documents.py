"""What README and the book show is executed, so that it cannot rot."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_examples(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what examples write goes there
    text = re.sub(r"^```.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    outcome: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=outcome.append)
    assert not outcome, "".join(outcome)


def test_links_inside_the_project_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
