"""What ``import medmnist`` finds in processes that are started after :func:`medmnist_np.compat.install`."""

import sys

from medmnist_np.compat import install

del sys.modules["medmnist"]
install()
