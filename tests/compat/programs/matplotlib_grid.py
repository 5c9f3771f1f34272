"""A grid of samples with the names of their classes."""

import matplotlib.pyplot as plt
from medmnist import INFO, BreastMNIST

dataset = BreastMNIST("train")
figure, axes = plt.subplots(2, 3)
titles = []
for axis, index in zip(axes.flat, range(6), strict=True):
    image, label = dataset[index]
    drawn = axis.imshow(image, cmap="gray")
    titles.append(INFO["breastmnist"]["label"][str(label[0])])
    axis.set_title(titles[-1])
    axis.axis("off")
shown = drawn.get_array().data.astype(int)
plt.close(figure)
