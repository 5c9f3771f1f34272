"""Several splits, and several sets, as one."""

from medmnist import BreastMNIST, PneumoniaMNIST
from torch.utils.data import ConcatDataset, DataLoader
from torchvision import transforms

to_tensor = transforms.ToTensor()
parts = [BreastMNIST(split, transform=to_tensor, download=True) for split in ("train", "val", "test")]
everything = ConcatDataset(parts)
mixed = ConcatDataset([parts[0], PneumoniaMNIST("val", transform=to_tensor)])
x, y = next(iter(DataLoader(mixed, batch_size=70)))
sizes = len(everything), everything.cumulative_sizes
item = everything[-1], mixed[62]
