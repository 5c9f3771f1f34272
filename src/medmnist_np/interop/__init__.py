"""Pass data sets to other frameworks. A framework is imported when its function is called.

>>> from medmnist_np.interop import to_sklearn, to_torch  # imports neither scikit-learn nor PyTorch

All functions take a :class:`~medmnist_np.Dataset`, a selection from one, or several that are joined. Except for
:func:`to_torch`, they pass on whole arrays and raise for a data set with a ``transform``, which is applied to single
samples. Functions that return batches take the arguments of :meth:`Dataset.batches`.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
