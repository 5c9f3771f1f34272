"""Every image to a file, with the table for Google AutoML."""

import csv
import os

from medmnist import BreastMNIST, ChestMNIST

BreastMNIST("val").save("out", postfix="png")
BreastMNIST("test").save("out")
ChestMNIST("val").save("out", "jpg", write_csv=False)
with open("out/breastmnist.csv") as stream:
    rows = list(csv.reader(stream))
names = sorted(os.listdir("out/breastmnist"))[:5]
