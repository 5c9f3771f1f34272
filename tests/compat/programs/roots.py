"""A folder as text, as a path and with a slash at the end: ``root`` is what was given."""

import os
from pathlib import Path

from medmnist import BreastMNIST
from medmnist.info import DEFAULT_ROOT

default = BreastMNIST("val").root
os.makedirs("a/b")
text = BreastMNIST("val", root="a/b/", download=True).root
path = BreastMNIST("val", root=Path("a"), download=True).root
again = BreastMNIST("val", root=text).root
assert default == DEFAULT_ROOT
