"""Data to learn from: point sets drawn from a seed, truth tables, handwritten digits; and what prepares data."""

from microgradnp.data.batching import Batches, batches
from microgradnp.data.disc import disc
from microgradnp.data.encoding import one_hot, scale_pixels
from microgradnp.data.idx import read_idx
from microgradnp.data.line import line
from microgradnp.data.mnist import digits, mnist
from microgradnp.data.points import blobs, circles, moons
from microgradnp.data.spirals import spirals
from microgradnp.data.splitting import Split, split
from microgradnp.data.tables import first_bit, xor

__all__ = [
    "Batches",
    "Split",
    "batches",
    "blobs",
    "circles",
    "digits",
    "disc",
    "first_bit",
    "line",
    "mnist",
    "moons",
    "one_hot",
    "read_idx",
    "scale_pixels",
    "spirals",
    "split",
    "xor",
]
