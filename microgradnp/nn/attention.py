"""Attention with several heads."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn import functional
from microgradnp.nn.checks import as_array, values_of
from microgradnp.nn.initialisers import generator, glorot_uniform
from microgradnp.nn.linear import Linear
from microgradnp.nn.module import Module


class MultiheadAttention(Module):
    """Attention in several subspaces side by side.

    Parameters
    ----------
    features : int
        Length of the vectors; `heads` must divide it.
    heads : int
    bias : bool
        Whether the four affine maps have a bias.
    init : callable, float or array_like
        Initial values of the weights, drawn in the order of the attributes.
    rng : Generator, RandomState, int or None
    dtype : dtype

    Attributes
    ----------
    query, key, value, output : Linear, features -> features

    Raises
    ------
    ValueError
        If `heads` does not divide `features`.

    References
    ----------
    Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Examples
    --------
    >>> layer = MultiheadAttention(8, 2, rng=0)
    >>> layer(np.zeros((5, 3, 8)), causal=True).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        features: int,
        heads: int,
        bias: bool = True,
        *,
        init: Any = glorot_uniform,
        rng: Any = None,
        dtype: Any = np.float64,
    ) -> None:
        if heads < 1 or features % heads:
            raise ValueError(f"MultiheadAttention: heads={heads} must divide features={features}")
        self.features, self.heads = features, heads
        rng = generator(rng)  # one source for the four: an int would give them equal weights
        self.query, self.key, self.value, self.output = (
            Linear(features, features, bias, init=init, rng=rng, dtype=dtype) for _ in range(4)
        )

    def forward(self, query: Any, key: Any = None, value: Any = None, mask: Any = None, causal: bool = False) -> Any:
        """Return what each query gathers.

        `query` has shape (n, queries, features); `key` and `value`, of shape (n, keys, features), are the query and the
        key where they are left out. `mask` and `causal`: see `functional.attention_weights`. A mask has shape (queries, keys),
        (n, queries, keys), for all heads alike, or one that broadcasts to (n, heads, queries, keys).
        """
        query = as_array(query)
        key = query if key is None else as_array(key)
        value = key if value is None else as_array(value)
        for name, x in (("query", query), ("key", key), ("value", value)):
            if x.ndim != 3 or x.shape[2] != self.features:
                raise ValueError(f"{self.label()} wants a {name} of shape (n, time, {self.features}), not {x.shape}")
        if not len(query) == len(key) == len(value) or key.shape != value.shape:
            raise ValueError(
                f"{self.label()} wants a key and a value of equal shape, and as many samples in them as in the query, not "
                f"query {query.shape}, key {key.shape}, value {value.shape}"
            )
        if mask is not None and np.ndim(mask) == 3:
            mask = values_of(mask)[:, None]
        q, k, v = self.split(self.query(query)), self.split(self.key(key)), self.split(self.value(value))
        y = functional.scaled_dot_product_attention(q, k, v, mask, causal)
        return self.output(y.transpose((0, 2, 1, 3)).reshape(query.shape))

    def split(self, x: Any) -> Any:
        """Return x of shape (n, time, features) by heads: (n, heads, time, features / heads)."""
        n, time, features = x.shape
        return x.reshape((n, time, self.heads, features // self.heads)).transpose((0, 2, 1, 3))

    def settings(self) -> str:
        """Return the length of the vectors and the number of heads."""
        return f"{self.features}, heads={self.heads}"
