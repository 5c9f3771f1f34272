"""Labels and images changed in place, as experiments on label noise do."""

import numpy as np
from medmnist import BreastMNIST, PathMNIST

train = BreastMNIST("train")
train.labels[:10] = 0
changed = train.labels[:12].copy()
item = train[3][1]
noisy = PathMNIST("train")
rows = np.random.choice(len(noisy), 12, replace=False)
noisy.labels[rows] = np.random.randint(0, 9, (12, 1))
noisy.imgs[0] = 0
black = noisy[0][0]
shuffled = BreastMNIST("val")
np.random.shuffle(shuffled.labels)
after = shuffled.labels
untouched = BreastMNIST("train").labels[:12]
