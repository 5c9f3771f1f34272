"""A split that does not exist is a ValueError."""

from medmnist import BreastMNIST, Evaluator

caught = []
for name in ("training", "validation", "all", "Train"):
    try:
        BreastMNIST(split=name)
    except ValueError:
        caught.append(name)
try:
    Evaluator("breastmnist", "dev")
except ValueError:
    caught.append("evaluator")
