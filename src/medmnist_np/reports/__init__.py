"""Self-contained HTML pages about an evaluation, a data set, an audit or robustness.

A page opens from a file and loads nothing. Only the card of a volume set has a script, which moves the sliders of its
slices. Text from files and names is escaped.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
