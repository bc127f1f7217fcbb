"""Layers, losses, initial values: networks of Modules, or of the functions in `nn.functional`."""

from microgradnp.nn import functional, initialisers
from microgradnp.nn.activations import (
    ELU,
    GELU,
    Identity,
    LeakyReLU,
    Logistic,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Swish,
    Tanh,
    surrogate,
)
from microgradnp.nn.attention import MultiheadAttention
from microgradnp.nn.convolution import Conv2d
from microgradnp.nn.dropout import Dropout
from microgradnp.nn.embedding import Embedding
from microgradnp.nn.flatten import Flatten
from microgradnp.nn.gru import GRU
from microgradnp.nn.linear import Linear
from microgradnp.nn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss, NLLLoss
from microgradnp.nn.lstm import LSTM
from microgradnp.nn.module import Module, functional_call, parameter
from microgradnp.nn.normalisation import BatchNorm1d, BatchNorm2d, LayerNorm
from microgradnp.nn.pooling import AvgPool2d, MaxPool2d
from microgradnp.nn.residual import Residual
from microgradnp.nn.rnn import RNN
from microgradnp.nn.sequential import Sequential

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "HuberLoss",
    "Identity",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Logistic",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "MultiheadAttention",
    "NLLLoss",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Swish",
    "Tanh",
    "functional",
    "functional_call",
    "initialisers",
    "parameter",
    "surrogate",
]
