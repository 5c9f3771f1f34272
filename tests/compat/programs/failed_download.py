"""A server that does not answer is a RuntimeError."""

import os

import medmnist
from medmnist import INFO

os.makedirs("data")
for key in list(INFO["octmnist"]):
    if key.startswith("url"):
        INFO["octmnist"][key] = "http://127.0.0.1:9/nothing.npz"
caught = False
try:
    medmnist.OCTMNIST("train", download=True, root="data", size=64)
except RuntimeError:
    caught = True
left = os.listdir("data")
