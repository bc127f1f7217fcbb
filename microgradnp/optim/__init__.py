"""Optimizers: update rules as the formulas that they are, clipping, schedules, a range test of the learning rate."""

from microgradnp.optim import schedules
from microgradnp.optim.base import Optimizer
from microgradnp.optim.clipping import check_finite, clip_by_norm, clip_by_value
from microgradnp.optim.optimizers import SGD, Adagrad, Adam, AdamW, AMSGrad, Lion, NAdam, RMSprop
from microgradnp.optim.ranging import RangeTest, range_test
from microgradnp.optim.rules import adagrad, adam, adamw, amsgrad, lion, nadam, rmsprop, sgd

__all__ = [
    "SGD",
    "AMSGrad",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "RangeTest",
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "check_finite",
    "clip_by_norm",
    "clip_by_value",
    "lion",
    "nadam",
    "range_test",
    "rmsprop",
    "schedules",
    "sgd",
]
