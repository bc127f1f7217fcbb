"""What a value of the wrong shape is, and what a disagreement looks like that nothing explains."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import close
from microgradnp.verify.situations import Explanation, Situation

Array = Any


def wrong_shape(s: Situation, subject: str) -> Explanation | None:
    """Explain a value of the wrong shape, by the operation that makes it right."""
    hand, right = s.hand, s.scene.right
    if hand.T.shape == right.shape and close(hand.T, right):
        return Explanation(Cause.TRANSPOSE, f"`{subject}` equals the right answer transposed", 0)
    if hand.size == right.size and close(hand.reshape(right.shape), right):
        return Explanation(
            Cause.SHAPE,
            f"`{subject}` has the right numbers in the shape {hand.shape} instead of {right.shape}: keep the axes (keepdims=True)",
            0,
        )
    lead = hand.ndim - right.ndim
    if lead >= 0:
        padded = (1,) * lead + right.shape
        axes = tuple(k for k, (h, r) in enumerate(zip(hand.shape, padded, strict=True)) if r == 1 and h != 1) + tuple(
            k for k in range(lead) if hand.shape[k] == 1
        )
        if all(h == r or r == 1 for h, r in zip(hand.shape, padded, strict=True)):
            for reduce, what in ((np.sum, "summed"), (np.mean, "averaged")):
                if close(reduce(hand, axis=axes).reshape(right.shape), right):
                    shown = axes[0] if len(axes) == 1 else axes
                    return Explanation(
                        Cause.BROADCAST,
                        f"`{subject}` is not {what} over axis {shown}, along which {s.scene.quantity} was broadcast",
                        0,
                    )
    if hand.ndim <= right.ndim:
        for axis in range(right.ndim):
            for reduce, what in ((np.sum, "summed"), (np.mean, "averaged")):
                reduced_ = reduce(right, axis=axis)
                if reduced_.shape == hand.shape and close(hand, reduced_):
                    return Explanation(
                        Cause.AXIS, f"`{subject}` is {what} over axis {axis}, which {s.scene.quantity} keeps", 0
                    )
    for k, i in s.scene.contribution:
        node = s.scene.nodes[k]
        if node.parents[i] is s.scene.target and node.shape != right.shape:
            g = s.scene.gradient[node]
            for axis in range(g.ndim):
                for reduce, what in ((np.sum, "summed"), (np.mean, "averaged")):
                    for keep in (False, True):
                        if close(hand, reduce(g, axis=axis, keepdims=keep)):
                            return Explanation(
                                Cause.AXIS,
                                f"`{subject}` is {what} over axis {axis} of {s.gradient_name(node)}, the wrong one",
                                0,
                            )
    return None


def pattern(hand: Array, right: Array, wrong: Array) -> str:
    """Describe a disagreement that nothing explains: which rows, which entries, constant ratio or not."""
    count, size = int(np.sum(wrong)), wrong.size
    if size == 1:
        return f"it is {float(np.reshape(hand, -1)[0]):.6g} instead of {float(np.reshape(right, -1)[0]):.6g}"
    parts = [f"{count} of {size} entries disagree"]
    if hand.shape == right.shape:
        for axis in range(wrong.ndim):
            along = np.any(wrong, axis=tuple(k for k in range(wrong.ndim) if k != axis))
            if not np.all(along) and np.any(along):
                which = np.flatnonzero(along)
                kind = (
                    {0: "rows", 1: "columns"}.get(axis, f"indices of axis {axis}")
                    if wrong.ndim == 2
                    else f"indices of axis {axis}"
                )
                parts.append(f"only in {kind} {', '.join(map(str, which[:6]))}{', ...' if which.size > 6 else ''}")
        with np.errstate(all="ignore"):
            ratio = (hand / right)[np.asarray(wrong) & (right != 0)]
        if ratio.size > 1 and np.all(np.isfinite(ratio)):
            if np.ptp(ratio) <= 1e-9 * np.max(np.abs(ratio)):
                parts.append(f"the ratio to the right value is {ratio[0]:.6g} in all of them")
            else:
                parts.append(f"the ratio to the right value runs from {np.min(ratio):.3g} to {np.max(ratio):.3g}")
    return ", ".join(parts)
