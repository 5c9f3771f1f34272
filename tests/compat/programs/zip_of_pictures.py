"""A zip of PNG files with labels in a JSON file, as generators of images read them."""

import io
import json
import os
import zipfile

import numpy as np
import PIL.Image
from medmnist import INFO, BloodMNIST

dataset = BloodMNIST(split="val", download=True)
entries = []
with zipfile.ZipFile("blood.zip", "w", zipfile.ZIP_STORED) as archive:
    for number, (image, label) in enumerate(dataset):
        name = f"{number // 10:05d}/img{number:08d}.png"
        stream = io.BytesIO()
        image.resize((32, 32), PIL.Image.LANCZOS).save(stream, format="png", compress_level=0)
        archive.writestr(name, stream.getvalue())
        entries.append([name, int(label[0])])
    archive.writestr("dataset.json", json.dumps({"labels": entries}))
with zipfile.ZipFile("blood.zip") as archive:
    again = json.loads(archive.read("dataset.json"))["labels"]
    pixels = np.asarray(PIL.Image.open(io.BytesIO(archive.read(again[4][0]))))
os.remove("blood.zip")  # its dates differ from run to run
n_labels = len(INFO["bloodmnist"]["label"])
