"""A skorch classifier fitted on a data set."""

import numpy as np
import torch
from medmnist import BreastMNIST
from skorch import NeuralNetClassifier
from skorch.dataset import ValidSplit
from skorch.helper import SliceDataset, predefined_split
from torch import nn
from torchvision import transforms

options = {"transform": transforms.ToTensor(), "target_transform": lambda label: int(label[0])}
train, val = BreastMNIST("train", download=True, **options), BreastMNIST("val", download=True, **options)
torch.manual_seed(0)
net = NeuralNetClassifier(
    nn.Sequential(nn.Flatten(), nn.Linear(784, 2)),
    criterion=nn.CrossEntropyLoss,
    max_epochs=2,
    lr=0.01,
    verbose=0,
    train_split=predefined_split(val),
    classes=[0, 1],
)
net.fit(train, y=None)
scores = net.predict_proba(val)
losses = [epoch["valid_loss"] for epoch in net.history]
labels = np.array(list(SliceDataset(val, idx=1)))
inner = NeuralNetClassifier(
    nn.Sequential(nn.Flatten(), nn.Linear(784, 2)),
    criterion=nn.CrossEntropyLoss,
    max_epochs=1,
    verbose=0,
    classes=[0, 1],
    train_split=ValidSplit(4),
)
inner.fit(SliceDataset(train), train.labels.ravel().astype(int))
