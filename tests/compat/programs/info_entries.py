"""All that INFO says of a set: it is a plain dict, read by its keys."""

import json

from medmnist import INFO

with open("info.json", "w") as stream:
    json.dump(INFO, stream, indent=2)

info = INFO["chestmnist"]
task, n_channels, n_classes = info["task"], info["n_channels"], len(info["label"])
keys = {flag: list(entry) for flag, entry in INFO.items()}
two_dimensional = [flag for flag in INFO if "3d" not in flag]
labels = {int(number): name for number, name in INFO["bloodmnist"]["label"].items()}
licence = INFO["dermamnist"]["license"]
