"""A linear model on flattened images."""

import numpy as np
from medmnist import BreastMNIST
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score

train, test = BreastMNIST("train", download=True), BreastMNIST("test", download=True)
x_train = train.imgs.reshape(len(train), -1) / 255.0
x_test = test.imgs.reshape(len(test), -1) / 255.0
model = LogisticRegression(max_iter=50, C=0.01).fit(x_train, train.labels.ravel())
scores = model.predict_proba(x_test)
accuracy = accuracy_score(test.labels.ravel(), scores.argmax(axis=1))
auc = roc_auc_score(test.labels.ravel(), scores[:, 1])
wrong = np.flatnonzero(scores.argmax(axis=1) != test.labels.ravel())
