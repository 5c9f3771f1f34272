"""A wrapper that holds a data set and changes its items."""

import medmnist
from medmnist import INFO


class Wrapper:
    def __init__(self, flag, split, **options):
        self.dataset = getattr(medmnist, INFO[flag]["python_class"])(split=split, download=True, **options)
        self.n_classes = len(self.dataset.info["label"])

    def __getattr__(self, name):
        return getattr(self.__dict__["dataset"], name)

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        image, label = self.dataset[index]
        return image.crop((2, 2, 26, 26)), label.item()


wrapper = Wrapper("breastmnist", "train", as_rgb=True)
number, item, flag = len(wrapper), wrapper[0], wrapper.flag
name = wrapper.dataset.__class__.__name__
