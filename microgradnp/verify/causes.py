"""What a mistake is called, by the kind of edit that undoes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import numpy as np

from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import close, is_mask, proportional
from microgradnp.verify.reading import PRODUCT, Reader, within
from microgradnp.verify.source import Site, array_of


class Causes(Reader):
    """Names the causes of edits, those that work."""

    def too_many(self, factor: str) -> str:
        """Say that there is a factor too many."""
        return f"with {factor} as one factor too many"

    def left_out(self, text: str) -> str:
        """Say that a factor is missing."""
        shown = self.hidden.get(text, text)
        if shown.startswith("(1 - "):
            return f"with the factor {shown[1:-1]} left out"
        return f"with {shown} left out" if shown.startswith("the derivative") else f"with the factor {shown} left out"

    def factor_cause(self, node: ast.AST, extra: Cause) -> Callable[[], Cause]:
        """Return what it is to leave a factor out (or, with `extra`, to have it in)."""

        def cause() -> Cause:
            site = self.by_node.get(id(node))
            role = self.role(node)
            value = self.of(node)
            if role == "mask" or (value is not None and is_mask(value) and not self.meaning.slope_like(value)):
                return Cause.WRONG_MASK
            if site is not None and any(self.penalty(n) for n in site.above if isinstance(n, ast.expr)):
                return Cause.REGULARISER
            if role == "constant":
                return Cause.DOUBLE_COUNT if site is not None and self.beside_its_like(site) else Cause.SCALE
            if role == "slope" or (value is not None and self.meaning.slope_like(value)):
                return Cause.EXTRA_ACTIVATION_DERIVATIVE if extra is not Cause.MISSING_FACTOR else extra
            return Cause.MISSING_FACTOR

        return cause

    def pair_cause(self, text: str) -> Callable[[], Cause]:
        """Return what it is to have two factors too many."""

        def cause() -> Cause:
            try:
                value = eval(text, self.scope)
            except Exception:
                return Cause.EXTRA_ACTIVATION_DERIVATIVE
            if np.ndim(value) and self.meaning.role(value) == "mask":
                return Cause.WRONG_MASK
            return Cause.EXTRA_ACTIVATION_DERIVATIVE if self.meaning.slope_like(value) else Cause.MISSING_FACTOR

        return cause

    def term_cause(self, node: ast.AST, rest: ast.AST) -> Callable[[], Cause]:
        """Return what it is to have a term too many."""

        def cause() -> Cause:
            if self.penalty(node):
                return Cause.REGULARISER
            value, kept = self.of(node), self.of(rest)
            if value is not None and kept is not None:
                for quantity, gradient in self.meaning.gradients.items():
                    drifted = proportional(value, gradient) or (value.ndim == 2 and proportional(value.T, gradient))
                    known = self.names.get(quantity)
                    if (
                        drifted
                        and known is not None
                        and (np.array_equal(known, kept) or np.array_equal(np.transpose(known), kept))
                    ):
                        return Cause.STALE_VALUE
            return Cause.DOUBLE_COUNT

        return cause

    def power_cause(self, base: ast.AST) -> Callable[[], Cause]:
        """Return what it is to have taken a power."""
        residual = isinstance(base, ast.BinOp) and isinstance(base.op, ast.Sub)
        return lambda: (
            Cause.EXTRA_ACTIVATION_DERIVATIVE
            if self.role(base) in ("slope", "half slope")
            else Cause.WRONG_LOSS
            if residual
            else Cause.SCALE
            if self.role(base) == "constant" and any(np.ndim(own) for own in self.meaning.own.values())
            else Cause.MISSING_FACTOR
        )

    def call_cause(self, s: Site, usual: Cause) -> Callable[[], Cause]:
        """Return what it is to have called a function too many: in a derivative, to have taken it at the wrong place."""

        def cause() -> Cause:
            if usual is Cause.SURROGATE_DERIVATIVE:
                for node in (s.node, *s.above[:3]):
                    value = self.of(node)
                    if value is not None and np.ndim(value) and self.meaning.misplaced(value):
                        return Cause.DERIVATIVE_AT_WRONG_PLACE
            return usual

        return cause

    def scale_cause(self, s: Site) -> Callable[[], Cause]:
        """Return what it is to have a wrong constant at a site."""
        return lambda: Cause.REGULARISER if any(self.penalty(n) for n in [s.node, *s.above[:3]]) else Cause.SCALE

    def slope_cause(self, text: str) -> Callable[[], Cause]:
        """Return what it is to leave out what looks like the derivative of an activation."""

        def cause() -> Cause:
            try:
                with np.errstate(all="ignore"):
                    value = eval(text, self.scope)
            except Exception:  # it is known only inside a loop
                return Cause.MISSING_ACTIVATION_DERIVATIVE
            array = array_of(value)
            if array is None:
                return Cause.MISSING_ACTIVATION_DERIVATIVE
            role = self.meaning.role(array)
            # of a rectified quantity after its dropout: (d > 0) is the mask as well
            masked = role != "slope" and is_mask(array) and any(within(array, m) for m in self.meaning.masks)
            return Cause.WRONG_MASK if role == "mask" or masked else Cause.MISSING_ACTIVATION_DERIVATIVE

        return cause

    def inserted_cause(self, text: str, site: Site) -> Callable[[], Cause]:
        """Return what it is to leave out a factor."""

        def cause() -> Cause:
            try:
                with np.errstate(all="ignore"):
                    value = eval(text, self.scope)
            except Exception:  # it is known only inside a loop
                return Cause.MISSING_FACTOR
            role = self.meaning.role(value) if array_of(value) is not None else "array"
            if any(self.penalty(n) for n in [site.node, *site.above[:3]]) or self.becomes_penalty(site, value):
                return Cause.REGULARISER
            if role == "constant" and self.is_quantity(text):
                return Cause.MISSING_FACTOR
            if text.startswith("_gradient"):
                return Cause.UPSTREAM_IGNORED
            return {
                "slope": Cause.MISSING_ACTIVATION_DERIVATIVE,
                "mask": Cause.WRONG_MASK,
                "gradient": Cause.UPSTREAM_IGNORED,
                "constant": Cause.SCALE,
            }.get(role, Cause.MISSING_FACTOR)

        return cause

    def missing_term_cause(self, text: str) -> Callable[[], Cause]:
        """Return what it is to leave out a term."""

        def cause() -> Cause:
            try:
                value = eval(text, self.scope)
            except Exception:
                return Cause.MISSING_TERM
            return Cause.REGULARISER if self.meaning.role(value) == "penalty" else Cause.MISSING_TERM

        return cause

    def step_cause(self, s: Site, name: str) -> Callable[[], Cause]:
        """Return what it is to have used one gradient for another: a step between them was left out, if there is one."""

        def cause() -> Cause:
            here, there = (
                np.asarray(self.value[s.key], dtype=np.float64),
                np.asarray(self.names[name], dtype=np.float64),
            )
            if (
                here.shape != there.shape
                or not here.ndim
                or not any(close(here, g) for g in self.meaning.gradients.values())
            ):
                return Cause.WRONG_OPERAND
            with np.errstate(all="ignore"):
                ratio = np.where(here == 0, 0.0, there / here)
            seen = here != 0
            for slope in self.meaning.slopes:
                if slope.value.shape == ratio.shape and close(np.where(seen, slope.value, 0.0), ratio):
                    role = self.meaning.role(slope.value)
                    return Cause.WRONG_MASK if role == "mask" else Cause.MISSING_ACTIVATION_DERIVATIVE
            for mask in self.meaning.masks:
                if mask.shape == ratio.shape and self.meaning.like_mask(ratio, np.where(seen, mask, 0.0)):
                    return Cause.WRONG_MASK
            terms = [np.asarray(self.names[h]) for h in self.hidden if h.startswith("_term")]
            if any(close(term, there - here) for term in terms):
                return Cause.MISSING_TERM
            return Cause.WRONG_OPERAND

        return cause

    def operand_cause(self, s: Site, old: str, new: str, shifted: bool = False) -> Callable[[], Cause]:
        """Return what it is to have used one quantity for another."""

        def cause() -> Cause:
            value = self.of(s.node)
            names = {re.sub(r"^.*\.|[\[(].*$", "", n) for n in (old, new)}
            if old.startswith(f"{new}[") and ":" in old:  # X[::-1] for X
                return Cause.SHIFTED_INDEX
            if any(isinstance(n, ast.Compare) for n in s.above[:3]):
                return Cause.WRONG_MASK
            factor = isinstance(s.parent, ast.BinOp) and isinstance(s.parent.op, PRODUCT)
            if factor and value is not None and self.meaning.role(value) == "mask":
                return Cause.WRONG_MASK
            if s.part or self.in_slope(s) or self.makes_slope(s, new):
                pairs = self.meaning.pairs()
                if (old, new) in pairs or len(names & {n for p in pairs for n in p}) == 2 or s.part:
                    return Cause.DERIVATIVE_AT_WRONG_PLACE
            return Cause.SHIFTED_INDEX if shifted else Cause.WRONG_OPERAND

        return cause

    def surrogate_cause(self, s: Site, text: str) -> Callable[[], Cause]:
        """Return what it is to have used something else for the derivative of an activation."""

        def cause() -> Cause:
            value = self.value[s.key].astype(np.float64)
            if np.ndim(value) == 0 or np.ptp(value) == 0:
                return Cause.MISSING_ACTIVATION_DERIVATIVE
            if self.meaning.role(value) == "mask" or (is_mask(value) and self.gated(text)):
                return Cause.WRONG_MASK
            if self.meaning.role(value) == "half slope":
                return Cause.MISSING_FACTOR
            return Cause.DERIVATIVE_AT_WRONG_PLACE if self.meaning.misplaced(value) else Cause.SURROGATE_DERIVATIVE

        return cause

    def surrogate_of(self, text: str) -> Callable[[], Cause]:
        """Return what it is to have used an expression for the derivative of an activation."""

        def cause() -> Cause:
            try:
                value = eval(text, self.scope)
            except Exception:
                return Cause.SURROGATE_DERIVATIVE
            return Cause.DERIVATIVE_AT_WRONG_PLACE if self.meaning.misplaced(value) else Cause.SURROGATE_DERIVATIVE

        return cause
