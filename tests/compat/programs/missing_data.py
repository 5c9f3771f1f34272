"""Data that is not there is a RuntimeError; the program then downloads."""

import os

import medmnist

os.makedirs("data")
caught = []
try:
    medmnist.BreastMNIST(split="train", root="data")
except RuntimeError:
    caught.append("not downloaded")
try:
    medmnist.BreastMNIST(split="train", root="no such folder", download=True)
except RuntimeError:
    caught.append("no folder")
try:
    medmnist.BreastMNIST(split="train", root=None)
except RuntimeError:
    caught.append("no root")
dataset = medmnist.BreastMNIST(split="train", root="data", download=True)
