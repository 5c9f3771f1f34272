"""Pass data sets to other frameworks. A framework is imported when its function is called.

>>> from medmnist_np.interop import to_sklearn, to_torch  # imports neither scikit-learn nor PyTorch

All functions take a :class:`~medmnist_np.Dataset`, a selection from one, or several that are joined. Except for
:func:`to_torch`, they pass on whole arrays and raise for a data set with a ``transform``, which is applied to single
samples. Functions that return batches take the arguments of :meth:`Dataset.batches`.
"""

from medmnist_np.interop.dask import to_dask
from medmnist_np.interop.grain import to_grain
from medmnist_np.interop.huggingface import huggingface_card, to_huggingface
from medmnist_np.interop.jax import to_jax
from medmnist_np.interop.keras import to_keras
from medmnist_np.interop.pandas import to_pandas
from medmnist_np.interop.sklearn import to_sklearn
from medmnist_np.interop.tensorflow import to_tensorflow
from medmnist_np.interop.torch import to_torch, to_torch_iterable

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
