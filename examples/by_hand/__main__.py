"""Backward passes that people write by hand, right and with a mistake each: what is found of them.

Run it: python examples/by_hand [part of a title]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import attention
import autoencoders
import convolution
import gpt_block
import losses
import normalisation
import recurrent
from study import Study, show

STUDIES: list[Study] = [
    study
    for file in (normalisation, attention, recurrent, convolution, losses, autoencoders, gpt_block)
    for study in file.STUDIES
]


def table(studies: list[Study]) -> str:
    """Return how many mistakes of each study are flagged, located and named."""
    rows = [["derivation", "right", "mistakes", "flagged", "located", "named"]]
    sums = [0, 0, 0, 0]
    for study in studies:
        found = study.found
        counts = [len(found), *(sum(getattr(f, what) for f in found) for what in ("flagged", "located", "named"))]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        right = f"{sum(v.ok for v in study.right)}/{len(study.right)}"
        rows.append([study.title, right, *map(str, counts)])
    rows.append(["all", "", *map(str, sums)])
    width = [max(len(row[k]) for row in rows) for k in range(6)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, width, strict=True)).rstrip() for row in rows)


def main() -> None:
    part = sys.argv[1].lower() if len(sys.argv) > 1 else ""
    studies = [s for s in STUDIES if part in s.title.lower()]
    if not studies:
        sys.exit(f"no study's title has {part!r} in it; there are: " + "; ".join(s.title for s in STUDIES))
    show(*studies)
    print(table(studies))


if __name__ == "__main__":
    main()
