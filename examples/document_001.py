"""Document 001 (P. Roelants, "Vectorization of the backpropagation algorithm"), lived through.

Checks every formula that it claims by three witnesses, runs its gradient check, trains its network on its own random
stream, and draws the graph, the data, the loss, the decision regions and the hidden layer. The network and the claims
are those of `microgradnp demo`.

Run it: python examples/document_001.py [folder for the pictures]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from listing import Listed

from microgradnp import demo

TITLE = "Document 001: Vectorization of the backpropagation algorithm"


def verdicts() -> Iterator[Listed]:
    """Yield every claim with its verdict."""
    X, _, T, stream = demo.dataset()
    for claim, report in demo.verified(X, T, demo.initial(stream, 1.0)):
        yield Listed(claim.number, claim.formula, report.claim(claim.name), report)


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out")
    sys.exit(0 if demo.run(out) else 1)


if __name__ == "__main__":
    main()
