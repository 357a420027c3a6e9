"""Debian's own kernel, the oracle: fetched and unpacked into build/cache, not installed."""
import glob
import os
import subprocess

import image

FOLDER = os.path.join(image.CACHE, 'linux')


def kernel():
    """The path of the kernel's image. The one that was fetched first is kept until build/cache is removed."""
    have = sorted(glob.glob(os.path.join(FOLDER, 'boot', 'vmlinuz-*')))
    if have:
        return have[-1]
    archives = image.fetch(['linux-image-cloud-amd64'], 'Linux', r'^linux-image-\d')
    os.makedirs(FOLDER, exist_ok=True)
    for archive in archives:
        image.progress.step('Linux: unpacking')
        tar = subprocess.run(['dpkg-deb', '--fsys-tarfile', archive], capture_output=True, check=True).stdout
        subprocess.run(['tar', '-x', '-C', FOLDER, '--wildcards', './boot/vmlinuz-*'], input=tar, check=True)
    image.progress.end()
    return sorted(glob.glob(os.path.join(FOLDER, 'boot', 'vmlinuz-*')))[-1]
