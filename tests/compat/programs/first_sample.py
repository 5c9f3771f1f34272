"""The first image and its label."""

from medmnist import BreastMNIST, ChestMNIST, RetinaMNIST

gray, label = BreastMNIST(split="train")[0]
color, grade = RetinaMNIST("train")[0]
chest, findings = ChestMNIST("train")[0]
print(gray.size, gray.mode, color.mode, label, grade, findings)
