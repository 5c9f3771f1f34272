from .dask import to_dask
from .grain import to_grain
from .huggingface import huggingface_card, to_huggingface
from .jax import to_jax
from .keras import to_keras
from .pandas import to_pandas
from .sklearn import to_sklearn
from .tensorflow import to_tensorflow
from .torch import to_torch, to_torch_iterable

__all__ = [
    "huggingface_card",
    "to_dask",
    "to_grain",
    "to_huggingface",
    "to_jax",
    "to_keras",
    "to_pandas",
    "to_sklearn",
    "to_tensorflow",
    "to_torch",
    "to_torch_iterable",
]
