"""Self-supervised learning: each item is two random views of the image."""

from medmnist import PathMNIST
from torch.utils.data import DataLoader
from torchvision import transforms


class TwoViews:
    def __init__(self, transform):
        self.transform = transform

    def __call__(self, image):
        return [self.transform(image), self.transform(image)]


augment = transforms.Compose([
    transforms.RandomCrop(28, padding=2),
    transforms.RandomHorizontalFlip(),
    transforms.RandomRotation(10),
    transforms.ToTensor(),
])  # fmt: skip
train = PathMNIST("train", transform=TwoViews(augment), download=True)
(first, second), labels = next(iter(DataLoader(train, batch_size=9, shuffle=True)))
pair, label = train[4]
