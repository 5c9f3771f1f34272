"""A subclass that takes arguments of its own and filters after ``super().__init__``."""

from medmnist import BreastMNIST
from medmnist.info import DEFAULT_ROOT


class Positives(BreastMNIST):
    def __init__(self, split, label=1, root=DEFAULT_ROOT, **options):
        super().__init__(split, root=root, **options)
        kept = self.labels[:, 0] == label
        self.imgs, self.labels = self.imgs[kept], self.labels[kept]
        self.label = label

    def __len__(self):
        return len(self.imgs)

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return {"image": image, "label": int(label[0]), "index": index}


positives = Positives("train", label=0, as_rgb=True)
number, sample = len(positives), positives[2]
mro = [kind.__name__ for kind in Positives.__mro__ if kind.__name__.startswith(("Breast", "Med", "Positives"))]
