"""Parts with different shares of the classes, drawn from a Dirichlet distribution."""

import numpy as np
from medmnist import INFO, PathMNIST

train = PathMNIST("train", download=True)
labels = train.labels.flatten()
random = np.random.RandomState(42)
clients = [[] for _ in range(3)]
for label in range(len(INFO["pathmnist"]["label"])):
    rows = np.where(labels == label)[0]
    random.shuffle(rows)
    shares = random.dirichlet(np.repeat(0.5, 3))
    for client, part in zip(clients, np.split(rows, (np.cumsum(shares) * len(rows)).astype(int)[:-1]), strict=True):
        client.extend(part.tolist())
sizes = [len(client) for client in clients]
table = [np.bincount(labels[client], minlength=9) for client in clients]
images = [train.imgs[client].mean() for client in clients]
