"""What a star import of the package itself brings."""

_brought = {}
exec("from medmnist import *", _brought)  # noqa: S102
# utils is there if something has imported it before.
names = sorted(set(_brought) - {"__builtins__", "utils"})
