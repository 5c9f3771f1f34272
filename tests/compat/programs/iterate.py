"""A loop over a data set, and what is built of such loops."""

from itertools import islice

from medmnist import BreastMNIST

train = BreastMNIST("train")
count = sum(1 for _ in train)
labels = [int(label[0]) for _, label in train]
first = list(islice(train, 3))
enumerated = [(number, label.tolist()) for number, (image, label) in enumerate(train) if number < 4]
images, targets = zip(*[train[i] for i in range(5)], strict=True)
unpacked = list(zip(*train, strict=True))[1][:5]
