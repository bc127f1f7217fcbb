"""The array API standard (2024.12) on Tensors: code that is written for the standard differentiates.

NumPy 2 keeps the standard for its own arrays, and Tensors record NumPy's functions; so every function here is NumPy's, with
the standard's signature, whose results are Tensors: 0-d ones too, where NumPy gives scalars. ``x.__array_namespace__()`` is
this module, so that libraries that take any array (array-api-compat) find it.

Examples
--------
>>> import microgradnp as mg
>>> def softplus(x):  # knows nothing of NumPy, nor of microgradnp
...     xp = x.__array_namespace__()
...     return xp.sum(xp.log1p(xp.exp(x)))
>>> float(mg.grad(softplus)(mg.array_api.asarray([0.0]))[0])
0.5
"""

from microgradnp.array_api import fft, linalg
from microgradnp.array_api.creation import *  # noqa: F403 - the standard's names
from microgradnp.array_api.creation import __all__ as _creation
from microgradnp.array_api.dtypes import *  # noqa: F403
from microgradnp.array_api.dtypes import __all__ as _dtypes
from microgradnp.array_api.functions import FUNCTIONS as _FUNCTIONS
from microgradnp.array_api.functions import NAMES as _functions

__array_api_version__ = "2024.12"

globals().update(_FUNCTIONS)

__all__ = ["fft", "linalg", *_creation, *_dtypes, *_functions]
