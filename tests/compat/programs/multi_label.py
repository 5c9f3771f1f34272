"""Training with many findings per image, and the evaluator on sigmoids."""

import medmnist
import torch
from medmnist import INFO, Evaluator
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

info = INFO["chestmnist"]
DataClass = getattr(medmnist, info["python_class"])
train = DataClass("train", transform=transforms.ToTensor(), download=True)
test = DataClass("test", transform=transforms.ToTensor(), download=True)
positive = torch.from_numpy(train.labels.sum(axis=0) / len(train))
torch.manual_seed(1)
model = nn.Sequential(nn.Flatten(), nn.Linear(784, len(info["label"])))
criterion = nn.BCEWithLogitsLoss(pos_weight=(1 - positive) / positive)
optimizer = torch.optim.Adam(model.parameters())
for x, y in DataLoader(train, batch_size=20, shuffle=True):
    loss = criterion(model(x), y.float())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    scores = torch.cat([model(x).sigmoid() for x, _ in DataLoader(test, batch_size=12)]).numpy()
metrics = Evaluator("chestmnist", "test").evaluate(scores)
