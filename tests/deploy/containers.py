"""Builds images with buildah and runs commands in them, in a store of their own. Debian comes of its archive, no registry."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: How tools say that the network, not the thing they were told, is at fault.
AWAY = re.compile(
    r"Could not resolve|Temporary failure|Could not connect|Unable to connect|Failed to fetch|not found in any pool"
)


class Unavailable(Exception):
    """This computer has not what the tests need; the text says what."""


class Store:
    """Images and containers in a folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is there yet."""
        self.folder = folder
        lines = ["[storage]", 'driver = "vfs"', f'runroot = "{folder}/run"', f'graphroot = "{folder}/root"']
        (folder / "storage.conf").write_text("\n".join(lines))

    def buildah(self, *arguments: str | Path, check: bool = True, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        """One command of buildah. What it says stands in the failure of one that must succeed."""
        environment = os.environ | {"CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"), "BUILDAH_ISOLATION": "chroot"}
        done = subprocess.run(
            ["buildah", *map(str, arguments)],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"buildah {arguments[0]}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def debian(self, suite: str, name: str) -> None:
        """An image of the smallest Debian that has apt. Raises Unavailable where archive or containers are out of reach."""
        archive = self.folder / "debian.tar"
        command = ["mmdebstrap", "--quiet", "--variant=minbase", "--components=main", suite, str(archive)]  # its own mirror
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode and AWAY.search(done.stderr):
            raise Unavailable("Debian's archive cannot be reached")
        assert done.returncode == 0, done.stderr[-4000:]
        begun = self.buildah("from", "scratch", check=False)
        if "operation not permitted" in begun.stderr.lower():
            raise Unavailable("nobody may make containers on this computer")
        assert begun.returncode == 0, begun.stderr
        container = begun.stdout.strip()
        self.buildah("add", container, archive, "/")
        archive.unlink()
        tried = self.buildah("run", container, "--", "true", check=False)
        if "operation not permitted" in tried.stderr.lower():
            raise Unavailable("nobody may make containers on this computer")
        assert tried.returncode == 0, tried.stderr
        self.buildah("commit", "--rm", container, name)

    def config(self, image: str) -> dict[str, Any]:
        """What an image says of itself: user, environment, history."""
        found: dict[str, Any] = json.loads(self.buildah("inspect", "--type", "image", image).stdout)["OCIv1"]
        return found

    def size_mb(self, image: str) -> float:
        """What an image takes, as buildah tells it."""
        (found,) = json.loads(self.buildah("images", "--json", image).stdout)
        number, unit = found["size"].split()
        return float(number) * {"MB": 1, "GB": 1000}[unit]


class Container:
    """An image with a file system of its own to write to: commands run in it, on this computer's network."""

    def __init__(self, store: Store, image: str) -> None:
        """Made, and nothing runs."""
        self.store = store
        self.name = store.buildah("from", "--pull-never", image).stdout.strip()

    def run(self, *command: str, check: bool = True, timeout_s: float = 300, options: tuple[str, ...] = ()) -> str:
        """What a command says on standard output."""
        return self.store.buildah("run", *options, self.name, "--", *command, check=check, timeout_s=timeout_s).stdout

    def program(self, name: str, *mounts: Path) -> str:
        """A script for this computer's shell that runs a program of the image, with these folders where they are here."""
        options = " ".join(f"--volume {mount}:{mount}" for mount in mounts)
        told = "$(env | sed -n 's/^RAPIDSTART_/--env &/p')"  # none of them has a space in it
        settings = f"CONTAINERS_STORAGE_CONF={self.store.folder / 'storage.conf'}"
        return f'{settings} exec buildah run --isolation chroot {options} {told} {self.name} -- {name} "$@"'


def index(folder: Path) -> list[str]:
    """Options of a build that let pip use what it uses on this computer: settings as secrets, folders as mounts."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    # The environment, which goes before files, is told before them.
    found = dict(reversed(re.findall(r"(?m)^(?:global|install|:env:)\.([\w-]+)='(.*)'$", told)))
    options = ["--secret", f"id=pip.conf,src={folder / 'pip.conf'}"]
    if "cert" in found:
        options += ["--secret", f"id=ca.pem,src={found['cert']}"]
        found["cert"] = "/run/secrets/ca.pem"
    names = ("cert", "index-url", "extra-index-url", "find-links", "trusted-host")
    text = "\n".join(["[global]", *(f"{name} = {found[name]}" for name in names if name in found), "timeout = 180", ""])
    for number, path in enumerate(_folders(found[name] for name in names[1:] if name in found)):
        options += ["--volume", f"{path}:/mnt/index-{number}:ro"]
        text = text.replace(path, f"/mnt/index-{number}")
    (folder / "pip.conf").write_text(text)
    return options


def _folders(values: Iterable[str]) -> list[str]:
    """Those of this computer among the places where packages are looked for, the longest first."""
    places = {
        word.removeprefix("file://").removesuffix("/").removesuffix("/simple") for value in values for word in value.split()
    }
    return sorted((place for place in places if place.startswith("/")), key=len, reverse=True)
