"""Document 001 (P. Roelants, "Vectorization of the backpropagation algorithm"), lived through.

Checks every formula that it claims by three witnesses, runs its gradient check, trains its network on its own random
stream, and draws the graph, the data, the loss, the decision regions and the hidden layer.

Run it: python examples/document_001.py [folder for the pictures]
"""

import sys
from pathlib import Path

from microgradnp import demo


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out")
    sys.exit(0 if demo.run(out) else 1)


if __name__ == "__main__":
    main()
