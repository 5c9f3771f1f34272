"""``a + b`` of different splits and of different sets."""

from medmnist import BreastMNIST, PneumoniaMNIST, RetinaMNIST
from torch.utils.data import DataLoader
from torchvision import transforms

to_tensor = transforms.ToTensor()
both = BreastMNIST("train", transform=to_tensor) + BreastMNIST("val", transform=to_tensor)
different = BreastMNIST("val", transform=to_tensor) + PneumoniaMNIST("val", transform=to_tensor)
colors = RetinaMNIST("val") + BreastMNIST("val")
numbers = len(both), len(different), len(colors)
x, y = next(iter(DataLoader(different, batch_size=40)))
items = both[65], colors[0], colors[-1]
