"""The module of the classes is `medmnist_np.compat.dataset`, also after `install()`. Pickles of them can be read only
with this package.
"""

import pickle

import medmnist

data = pickle.dumps(medmnist.BreastMNIST)
print(medmnist.BreastMNIST.__module__, b"medmnist_np" in data)
# Here it prints: medmnist_np.compat.dataset True
# There it prints: medmnist.dataset False
