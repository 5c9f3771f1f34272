"""PCA and neighbours, with stratified folds over train and val together."""

import numpy as np
from medmnist import RetinaMNIST
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

parts = [RetinaMNIST(split) for split in ("train", "val")]
x = np.concatenate([part.imgs for part in parts])[:80].reshape(80, -1)
y = np.concatenate([part.labels for part in parts])[:80, 0]
model = make_pipeline(PCA(5, random_state=0), KNeighborsClassifier(3))
scores = cross_val_score(model, x, y, cv=StratifiedKFold(3, shuffle=True, random_state=0))
x_a, x_b, y_a, y_b = train_test_split(x, y, stratify=y, random_state=1)
