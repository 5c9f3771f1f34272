"""A data module that accepts a data set or a list of them, as that of Lightning 1 does."""

from collections.abc import Mapping, Sequence

from medmnist import BreastMNIST, PneumoniaMNIST
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor


class Module:
    def __init__(self, train: Dataset, val: Dataset | list[Dataset]) -> None:
        self.train, self.val = train, val

    def loaders(self, data: object) -> object:
        if isinstance(data, Mapping):
            return {name: self.loaders(one) for name, one in data.items()}
        if isinstance(data, Sequence):
            return [self.loaders(one) for one in data]
        return DataLoader(data, batch_size=20)


train = BreastMNIST("train", transform=ToTensor())
val = [BreastMNIST("val", transform=ToTensor()), PneumoniaMNIST("val", transform=ToTensor())]
module = Module(train, val)
loader = module.loaders(module.train)
images, labels = next(iter(loader))
n_batches = [len(loader), *map(len, module.loaders(module.val))]
tests = [isinstance(train, kind) for kind in (Dataset, Sequence, Mapping)]
