"""What a whole backward function returns, and of which quantities it is the gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from microgradnp.verify.claims import Claim, DerivationError, listed, parsed_target
from microgradnp.verify.points import Point


def returned_names(claim: Claim, result: Any, point: Point) -> dict[str, str]:
    """Return which quantity each part of a backward function's result is the gradient of."""
    known = point.graph.names
    if isinstance(result, tuple | list):
        if claim.wrt is None or len(claim.wrt) != len(result):
            raise DerivationError(
                f"{claim.name} returns {len(result)} arrays: say of which quantities they are the gradients, "
                f"@d.backward(wrt=[...]) with {len(result)} names out of {listed(known)}"
            )
        names = {q: q for q in claim.wrt}
    elif isinstance(result, Mapping):
        names = {str(key): (claim.returns or {}).get(key) or guessed(str(key), known) for key in result}
    elif claim.wrt is not None and len(claim.wrt) == 1:
        names = {claim.wrt[0]: claim.wrt[0]}
    else:
        raise DerivationError(
            f"{claim.name} returned {type(result).__name__}: return a dict of gradients, or a tuple with "
            "@d.backward(wrt=[...])"
        )
    if not names:
        raise DerivationError(f"{claim.name} returned no gradients: return a dict such as {{'W': dW}}")
    for key, quantity in names.items():
        if quantity not in known and parsed_target(quantity)[0] not in known:
            raise DerivationError(
                f"{claim.name} returns {key!r}, which is the gradient of no quantity of {point.graph.function} "
                f"({listed(known)}); map it with @d.backward(returns={{{key!r}: 'name'}})"
            )
    return names


def guessed(key: str, known: Mapping[str, Any]) -> str:
    """Return the quantity that a key such as ``dW1``, ``grad_W_h`` or ``delta_o`` names."""
    if key in known:
        return key
    for prefix in ("grad_", "grad", "g_", "dL_d", "dLd", "dJ_d", "d_", "d", "delta_", "J"):
        if key.startswith(prefix) and key[len(prefix) :] in known:
            return key[len(prefix) :]
    return key


def part_of(result: Any, key: str, claim: Claim) -> Any:
    """Return one gradient out of what a backward function returned."""
    if isinstance(result, Mapping):
        return result.get(key)
    if isinstance(result, tuple | list):
        return result[list(claim.wrt or ()).index(key)]
    return result
