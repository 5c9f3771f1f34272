"""Importing makes no folder. The first download makes `~/.medmnist`."""

import os
import subprocess
import sys

home = os.path.abspath("home")
os.mkdir(home)
environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": home, "USERPROFILE": home}
subprocess.run([sys.executable, "-c", "import medmnist"], env=environment, check=True)
print(os.path.exists(os.path.join(home, ".medmnist")))
# Here it prints: False
# There it prints: True
