"""A number and some bytes that a worker shares with the one that replaces it, however it ends.

The master makes them before it forks, in memory that its forks share. Only the whole service loses them.
"""

import mmap
import struct

_NUMBER = struct.Struct("d")


class SharedNumber:
    """A number in shared memory."""

    def __init__(self, value: float = 0.0) -> None:
        self._memory = mmap.mmap(-1, _NUMBER.size)
        self.value = value

    @property
    def value(self) -> float:
        """The number that was set last, by whichever worker."""
        return float(_NUMBER.unpack(self._memory[:])[0])

    @value.setter
    def value(self, value: float) -> None:
        self._memory[:] = _NUMBER.pack(value)


class SharedBytes:
    """Some bytes in shared memory, zero at first."""

    def __init__(self, size: int) -> None:
        self._memory = mmap.mmap(-1, size)

    def read(self, begin: int, end: int) -> bytes:
        """The bytes from `begin` up to `end`."""
        return self._memory[begin:end]

    def add(self, place: int, bits: int) -> None:
        """Sets these bits of a byte."""
        self._memory[place] |= bits

    def clear(self, begin: int, end: int) -> None:
        """Makes the bytes from `begin` up to `end` zero."""
        self._memory[begin:end] = bytes(end - begin)
