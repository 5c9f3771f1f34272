"""The one function that the official package uses."""

import hashlib
import os
import urllib.request


def download_url(url, root, filename=None, md5=None):
    path = os.path.join(root, filename)
    os.makedirs(root, exist_ok=True)
    if not (os.path.isfile(path) and md5_of(path) == md5):
        urllib.request.urlretrieve(url, path)
        if md5_of(path) != md5:
            raise RuntimeError("File not found or corrupted.")


def md5_of(path):
    with open(path, "rb") as stream:
        return hashlib.md5(stream.read(), usedforsecurity=False).hexdigest()
