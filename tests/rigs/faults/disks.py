"""Disks for PostgreSQL that can be filled, or fail: a small tmpfs, and an ext4 in a file. They need root."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

PIECE = 64 * 1024


@contextlib.contextmanager
def small(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of that size, in `folder`."""
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=711", "none", str(folder))
    try:
        yield folder
    finally:
        _run("umount", "--lazy", str(folder))


@contextlib.contextmanager
def mortal(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk that `fail` can end, in `folder`, with its image beside it."""
    image = folder.with_suffix(".ext4")
    with image.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    _run("mkfs.ext4", "-q", str(image))
    folder.mkdir()
    _run("mount", "-o", "loop,errors=remount-ro", str(image), str(folder))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        _run("umount", str(folder))


def fail(folder: Path) -> None:
    """What ext4 does when the card answers with errors: from now on nothing can be written (ext4(5), 'abort')."""
    _run("mount", "-o", "remount,abort", str(folder))


def repair(folder: Path) -> None:
    """What a person does then: unmount, fsck, mount."""
    image = folder.with_suffix(".ext4")
    _run("umount", str(folder))
    subprocess.run(["fsck.ext4", "-y", str(image)], capture_output=True, check=False)  # 1: it has mended something
    _run("mount", "-o", "loop,errors=remount-ro", str(image), str(folder))


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not a byte is left on the disk; then there is room again."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(PIECE)):
                pass
        yield
    finally:
        ballast.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
