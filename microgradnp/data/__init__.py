"""Data to learn from: point sets drawn from a seed."""

from microgradnp.data.points import blobs, circles, moons

__all__ = ["blobs", "circles", "moons"]
