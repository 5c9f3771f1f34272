"""``python -m medmnist download`` of every set; sizes that a set does not come in are named."""

import os

import medmnist.__main__ as program

os.makedirs("root")
program.download(root="root")
names = sorted(name for name in os.listdir("root") if name.endswith(".npz"))
caught = False
try:
    program.download(size=32, root="root")
except ValueError:
    caught = True
for name in names:
    os.remove(os.path.join("root", name))
