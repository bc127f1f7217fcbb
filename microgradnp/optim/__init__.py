"""Optimizers: update rules as the formulas that they are, clipping, schedules, a range test of the learning rate."""

from microgradnp.optim.base import Optimizer
from microgradnp.optim.optimizers import SGD, Adagrad, Adam, AdamW, AMSGrad, Lion, NAdam, RMSprop
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
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "lion",
    "nadam",
    "rmsprop",
    "sgd",
]
