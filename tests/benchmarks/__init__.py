"""Speed and memory, measured against plain NumPy, HIPS autograd and MyGrad in one run: ``make bench``.

Not a test: nothing here fails because a machine is slow. Numbers are comparable within one run only.
"""

import os

# Before NumPy is imported, which reads them: one thread each, or the pools' spinning is what is measured.
for _pool in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM", "BLIS"):
    os.environ[f"{_pool}_NUM_THREADS"] = "1"
