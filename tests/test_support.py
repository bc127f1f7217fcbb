"""The page about what differentiates is what the table says."""

from __future__ import annotations

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import support
from microgradnp.primitives import COMPOSITES, TABLE


def test_the_page_is_up_to_date() -> None:
    assert not support.stale(support.PAGE.read_text(encoding="utf-8"))


def test_a_stale_page_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.delitem(TABLE, np.tanh)
        written = support.page()
    assert "| `np.tanh` | yes" not in written
    told = support.stale(written)
    assert "`np.tanh`" in told
    assert "run python -m microgradnp.support" in told


def test_every_function_of_the_table_that_numpy_has_is_on_the_page() -> None:
    listed = {f for _, functions in support.names() for _, f in functions}
    for f in {**TABLE, **COMPOSITES}:
        if str(getattr(f, "__module__", "")).startswith("numpy") and getattr(np, f.__name__, None) is f:
            assert f in listed


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_the_page_says_is_so() -> None:
    """Where a function of one array is on the page as differentiable, it is; where refused, it is refused."""
    x = mg.tensor(np.array([[0.6, 0.2], [0.3, 0.5]]), requires_grad=True)
    for _, functions in support.names():
        for _name, f in functions:
            if not isinstance(f, np.ufunc) or f.nin != 1 or f.nout != 1:
                continue
            kind, _, _ = support.row(f)
            try:
                y = f(x)
            except (NotImplementedError, TypeError):
                assert kind in ("", "plain"), f
                continue
            assert isinstance(y, mg.Tensor)
            assert y.requires_grad == kind.startswith("yes"), f
