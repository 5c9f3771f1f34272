"""``INFO`` and ``DEFAULT_ROOT`` out of ``medmnist.info``; the folder is where the archives are."""

import os

from medmnist.info import DEFAULT_ROOT, HOMEPAGE, INFO

kind = type(DEFAULT_ROOT)
exists = os.path.isdir(DEFAULT_ROOT)
expected = os.path.join(os.path.expanduser("~"), ".medmnist")
assert expected == DEFAULT_ROOT
present = sorted(
    flag for flag in INFO if os.path.exists(os.path.join(DEFAULT_ROOT, f"{flag}.npz")) and flag != "bloodmnist"
)
print(HOMEPAGE, DEFAULT_ROOT)
