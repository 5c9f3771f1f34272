"""The official example ``getting_started_without_PyTorch``: old aliases, ``root``, AUC and ACC."""

import os

import medmnist
import numpy as np
import torch
import torch.utils.data as data
import torchvision.transforms as transforms
from medmnist.dataset import (
    BreastMNIST,
    ChestMNIST,
    DermaMNIST,
    OCTMNIST,
    OrganMNISTAxial,
    OrganMNISTCoronal,
    OrganMNISTSagittal,
    PathMNIST,
    PneumoniaMNIST,
    RetinaMNIST,
)
from medmnist.evaluator import getACC, getAUC
from medmnist.info import INFO
from skimage.util import montage
from torch import nn, optim

print("Version:", medmnist.__version__)
data_flag, download, input_root = "pneumoniamnist", True, "tmp_data/"
os.makedirs(input_root)
flag_to_class = {
    "pathmnist": PathMNIST,
    "chestmnist": ChestMNIST,
    "dermamnist": DermaMNIST,
    "octmnist": OCTMNIST,
    "pneumoniamnist": PneumoniaMNIST,
    "retinamnist": RetinaMNIST,
    "breastmnist": BreastMNIST,
    "organmnist_axial": OrganMNISTAxial,
    "organmnist_coronal": OrganMNISTCoronal,
    "organmnist_sagittal": OrganMNISTSagittal,
}
DataClass = flag_to_class[data_flag]
info = INFO[data_flag]
task, n_channels, n_classes = info["task"], info["n_channels"], len(info["label"])

normalised = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=[0.5], std=[0.5])])
train_dataset = DataClass(root=input_root, split="train", transform=normalised, download=download)
test_dataset = DataClass(root=input_root, split="test", transform=normalised, download=download)
nonorm_dataset = DataClass(root=input_root, split="train", transform=transforms.ToTensor(), download=download)
train_loader = data.DataLoader(dataset=train_dataset, batch_size=16, shuffle=True)
test_loader = data.DataLoader(dataset=test_dataset, batch_size=16, shuffle=True)
for dataset in (train_dataset, test_dataset, nonorm_dataset):
    print(dataset)
    print("===================")

image, target = nonorm_dataset[0]
shown = image.reshape(28, 28) if n_channels == 1 else image.permute(1, 2, 0)
n_img_x = 5
chosen = np.random.choice(len(nonorm_dataset), n_img_x**2)
grid = montage(np.array([nonorm_dataset[int(index)][0].numpy()[0] for index in chosen]), grid_shape=(5, 5))

model = nn.Sequential(nn.Flatten(), nn.Linear(784 * n_channels, n_classes))
optimizer = optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
for inputs, targets in train_loader:
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss()(model(inputs), targets.squeeze().long())
    loss.backward()
    optimizer.step()

y_true, y_score = torch.tensor([]), torch.tensor([])
with torch.no_grad():
    for inputs, targets in test_loader:
        y_true = torch.cat((y_true, targets.float().resize_(len(targets), 1)), 0)
        y_score = torch.cat((y_score, model(inputs).softmax(dim=-1)), 0)
auc = getAUC(y_true.numpy(), y_score.numpy(), task)
acc = getACC(y_true.numpy(), y_score.numpy(), task)
print("%s  acc: %.3f  auc:%.3f" % ("test", acc, auc))
os.remove(os.path.join(input_root, "pneumoniamnist.npz"))
