"""More pictures than samples without replacement are a ValueError."""

from medmnist import BreastMNIST

outcome = None
try:
    BreastMNIST("val").montage(length=60)
except ValueError:
    outcome = "ValueError"
repeated = BreastMNIST("val").montage(length=6, replace=True)
