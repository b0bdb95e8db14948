"""A sheet as Chromium printed it, for the tests of paper: its size, its words, its codes, and what is white on it."""

import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageOps

DARK, MIN_INK = 200, 0.02
"""The brightest grey that counts as ink, and how much of a row is ink if there is more in it than a border."""
DPI = "200"
NO_CODE = 4
"""What zbarimg returns if it finds none."""
MM = 72 / 25.4
"""In points."""


@dataclass
class Printed:
    """A page as it was printed."""

    file: Path

    def run(self, *command: str) -> bytes:
        """What one of Debian's programs says about the file."""
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout

    def sizes_mm(self) -> list[tuple[int, int]]:
        """Width and height of each sheet."""
        told = self.run("pdfinfo", "-f", "1", "-l", "9", str(self.file)).decode()
        found = re.findall(r"^Page +\d+ size: +([\d.]+) x ([\d.]+) pts", told, re.MULTILINE)
        return [(round(float(width) / MM), round(float(height) / MM)) for width, height in found]

    def words(self) -> str:
        """Its text, without the blanks and the breaks of lines."""
        return plain(self.run("pdftotext", "-raw", str(self.file), "-").decode())

    @cached_property
    def picture(self) -> Path:
        """Its first sheet in grey."""
        self.run("pdftoppm", "-r", DPI, "-gray", "-singlefile", str(self.file), str(self.file.with_suffix("")))
        return self.file.with_suffix(".pgm")

    def used(self) -> float:
        """How much of the height is between the highest and the lowest thing on it."""
        picture = ImageOps.invert(Image.open(self.picture))
        box = picture.getbbox()
        return (box[3] - box[1]) / picture.height if box else 0.0

    def white(self, left: float = 0.0, right: float = 1.0) -> float:
        """The highest band without ink between two things on it, of its height, in this part of the width."""
        picture = Image.open(self.picture)
        part = picture.crop((int(left * picture.width), 0, int(right * picture.width), picture.height))
        ink = part.point([255 if grey < DARK else 0 for grey in range(256)])
        rows = ink.resize((1, picture.height), Image.Resampling.BOX).tobytes()
        bands = [len(list(band)) for is_white, band in groupby(row < MIN_INK * 255 for row in rows) if is_white]
        return max(bands[1:-1], default=0) / picture.height

    def codes(self) -> set[str]:
        """What the codes on it say."""
        command = ("zbarimg", "-q", "-S", "disable", "-S", "qrcode.enable", "--raw", str(self.picture))
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, NO_CODE), done.stderr
        told = done.stdout.decode().replace("\r\n", "\n").removesuffix("\n")
        return {told} if told.startswith("BEGIN:") else set(told.splitlines())


def plain(text: str) -> str:
    """The text without blanks, and with one kind of hyphen."""
    return re.sub(r"\s", "", text).replace("\N{NON-BREAKING HYPHEN}", "-").casefold()
