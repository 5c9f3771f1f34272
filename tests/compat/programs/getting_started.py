"""The official example ``getting_started``: train a small network, evaluate it, and look at other sizes and volumes."""

import medmnist
import torch
import torch.utils.data as data
import torchvision.transforms as transforms
from medmnist import INFO, Evaluator
from torch import nn, optim
from tqdm import tqdm

print(f"MedMNIST v{medmnist.__version__} @ {medmnist.HOMEPAGE}")

# Settings
data_flag = "pathmnist"
download = True
BATCH_SIZE = 16
info = INFO[data_flag]
task = info["task"]
n_channels = info["n_channels"]
n_classes = len(info["label"])
DataClass = getattr(medmnist, info["python_class"])

# Data and loaders
data_transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=[0.5], std=[0.5])])
train_dataset = DataClass(split="train", transform=data_transform, download=download)
test_dataset = DataClass(split="test", transform=data_transform, download=download)
pil_dataset = DataClass(split="train", download=download)
train_loader = data.DataLoader(dataset=train_dataset, batch_size=BATCH_SIZE, shuffle=True)
train_loader_at_eval = data.DataLoader(dataset=train_dataset, batch_size=2 * BATCH_SIZE, shuffle=False)
test_loader = data.DataLoader(dataset=test_dataset, batch_size=2 * BATCH_SIZE, shuffle=False)

print(train_dataset)
print("===================")
print(test_dataset)

# Pictures
single = train_dataset.montage(length=1)
picture = train_dataset.montage(length=7)

# A network, its loss and its optimiser
torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(n_channels, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, n_classes)
)
criterion = nn.BCEWithLogitsLoss() if task == "multi-label, binary-class" else nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.001, momentum=0.9)

# Training
losses = []
for _ in range(2):
    model.train()
    for inputs, targets in tqdm(train_loader):
        optimizer.zero_grad()
        outputs = model(inputs)
        if task == "multi-label, binary-class":
            loss = criterion(outputs, targets.to(torch.float32))
        else:
            loss = criterion(outputs, targets.squeeze().long())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())


# Evaluation
def test(split):
    model.eval()
    y_true, y_score = torch.tensor([]), torch.tensor([])
    loader = train_loader_at_eval if split == "train" else test_loader
    with torch.no_grad():
        for inputs, targets in loader:
            outputs = model(inputs)
            if task == "multi-label, binary-class":
                targets, outputs = targets.to(torch.float32), outputs.sigmoid()
            else:
                targets, outputs = targets.squeeze().long().float().resize_(len(targets), 1), outputs.softmax(dim=-1)
            y_true = torch.cat((y_true, targets), 0)
            y_score = torch.cat((y_score, outputs), 0)
    y_score = y_score.detach().numpy()
    metrics = Evaluator(data_flag, split).evaluate(y_score)
    print("%s  auc: %.3f  acc: %.3f" % (split, *metrics))
    return metrics


print("==> Evaluating ...")
on_train, on_test = test("train"), test("test")

# A larger size
data_flag = "breastmnist"
DataClass = getattr(medmnist, INFO[data_flag]["python_class"])
larger = DataClass(split="train", transform=data_transform, download=download, size=224)
loader = data.DataLoader(dataset=larger, batch_size=BATCH_SIZE, shuffle=True)
x, y = next(iter(loader))
print(x.shape, y.shape)
montage = larger.montage(length=1)

# Volumes
data_flag = "organmnist3d"
DataClass = getattr(medmnist, INFO[data_flag]["python_class"])
volumes = DataClass(split="train", download=download)
loader = data.DataLoader(dataset=volumes, batch_size=BATCH_SIZE, shuffle=True)
x3d, y3d = next(iter(loader))
print(x3d.shape, y3d.shape)
frames = volumes.montage(length=1, save_folder="tmp/")

# Volumes of a larger size
volumes_64 = medmnist.AdrenalMNIST3D(split="test", download=download, size=64)
frames_64 = volumes_64.montage(length=2, save_folder="tmp/")
