"""Records of data sets, their archives and contents, and the catalog.

Each data set is described by one TOML file in the folder of its collection. It is parsed on first use into an immutable
:class:`DatasetInfo`, which validates itself.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
