"""Report and confusion matrix with the names of INFO."""

import numpy as np
from medmnist import INFO, BloodMNIST
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.utils.class_weight import compute_class_weight

test = BloodMNIST(split="test", download=True)
names = list(INFO["bloodmnist"]["label"].values())
truth = test.labels.flatten()
guess = np.random.randint(0, len(names), len(truth))
report = classification_report(truth, guess, target_names=names, labels=range(len(names)), zero_division=0)
matrix = confusion_matrix(truth, guess)
weights = compute_class_weight("balanced", classes=np.unique(truth), y=truth)
print(report)
