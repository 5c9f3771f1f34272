"""``python -m medmnist save`` and ``clean``."""

import os
import shutil

import medmnist.__main__ as program
from medmnist.info import DEFAULT_ROOT

os.makedirs("root")
shutil.copy(os.path.join(DEFAULT_ROOT, "breastmnist.npz"), "root")
shutil.copy(os.path.join(DEFAULT_ROOT, "breastmnist_64.npz"), "root")
program.save("breastmnist", "out", root="root")
program.save("breastmnist", "out", "jpg", root="root", size=64)
shutil.copy(os.path.join(DEFAULT_ROOT, "adrenalmnist3d.npz"), "root")
program.save("adrenalmnist3d", folder="out", postfix="gif", root="root")
open("root/other.npz", "w").close()
before = sorted(os.listdir("root"))
program.clean(root="root")
after = [name for name in sorted(os.listdir("root")) if name.endswith(".npz")]
