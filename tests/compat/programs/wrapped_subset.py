"""Different transforms for two parts of one data set."""

from medmnist import RetinaMNIST
from torch.utils.data import DataLoader, Dataset, random_split
from torchvision import transforms


class Transformed(Dataset):
    def __init__(self, subset, transform):
        self.subset, self.transform = subset, transform

    def __len__(self):
        return len(self.subset)

    def __getitem__(self, index):
        image, label = self.subset[index]
        return self.transform(image), int(label[0])


train, val = random_split(RetinaMNIST("train", download=True), [48, 12])
flipped = Transformed(train, transforms.Compose([transforms.RandomHorizontalFlip(1), transforms.ToTensor()]))
plain = Transformed(val, transforms.ToTensor())
x, y = next(iter(DataLoader(flipped, batch_size=6)))
z, labels = next(iter(DataLoader(plain, batch_size=12)))
