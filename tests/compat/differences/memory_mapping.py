"""`mmap_mode` has no effect, as in the official package. But images are always mapped copy on write, and the official
package reads a split into memory.
"""

import medmnist

images = medmnist.BreastMNIST("train", mmap_mode="r").imgs
print(images.flags.writeable, type(images.base).__name__)
# Here it prints: True memmap
# There it prints: True ndarray
