"""If you import PyTorch after this package, the classes become subclasses of `torch.utils.data.Dataset` when you open
the next data set. `isinstance` is true for every data set that you open after both imports.
"""

import os
import subprocess
import sys

program = """
import medmnist
import torch
print(issubclass(medmnist.BreastMNIST, torch.utils.data.Dataset))
ds = medmnist.BreastMNIST("val")
print(isinstance(ds, torch.utils.data.Dataset), issubclass(medmnist.BreastMNIST, torch.utils.data.Dataset))
"""
environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
command = [sys.executable, "-W", "ignore", "-c", program]
print(*subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split())
# Here it prints: False True True
# There it prints: True True True
