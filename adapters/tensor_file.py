"""A safetensors file, mapped into memory: its header checked, its tensors views that read nothing until used.

Knows nothing of models. Imports torch only where a tensor is asked for.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .errors import AdapterError, UnsafeAdapter

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["READABLE", "TensorEntry", "TensorFile"]

READABLE = "Check that the file is there and that you may read it."
MAX_HEADER = 25_000_000  # bytes; real ones have up to one million, the format allows a hundred
# The format's types, as torch names them, and their bytes; those below a byte are no weights we can use.
TYPES: Mapping[str, tuple[str, int]] = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "F8_E8M0": ("float8_e8m0fnu", 1),
    "C64": ("complex64", 8),
    "I64": ("int64", 8),
    "U64": ("uint64", 8),
    "I32": ("int32", 4),
    "U32": ("uint32", 4),
    "I16": ("int16", 2),
    "U16": ("uint16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
FLOATING = frozenset({"F64", "F32", "F16", "BF16"})


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What the header says of one tensor; `start` and `end` are offsets into the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class TensorFile:
    """One open safetensors file, a context manager; the tensors it gave stay valid after it is closed.

    Raises `UnsafeAdapter` where the header is not one, or the file is cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._map: mmap.mmap | None = None
        try:
            self._file = open(path, "rb")  # noqa: SIM115  # closed by `__exit__`
        except OSError as error:
            raise AdapterError(f"{path} cannot be read: {error.strerror}.", remedy=READABLE) from error
        try:
            self.entries = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def tensor(self, name: str) -> Tensor:
        """The tensor as a view of the file; nothing is read before its values are, and no one may write."""
        if self._map is None:
            # A private map: torch takes only writable buffers, and nothing written reaches the file.
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY)
        return self._from_buffer(self._map, self.entries[name], self.entries[name].start)

    def copy(self, name: str) -> Tensor:
        """The tensor, read; for files too large to map whole."""
        entry = self.entries[name]
        return self._from_buffer(bytearray(self._read(entry.start, entry.end)), entry, 0)

    def sample(self, name: str, *, places: int = 8, run: int = 4) -> bytes:
        """Values from fixed places of a tensor, floating ones rounded to bfloat16.

        A model stored as float32 and as bfloat16 gives the same.
        """
        import torch

        entry = self.entries[name]
        dtype, width = TYPES[entry.dtype]
        count = prod(entry.shape)
        starts = sorted({entry.start + count * place // places * width for place in range(places)})
        found = b"".join(self._read(start, min(start + run * width, entry.end)) for start in starts)
        if entry.dtype not in FLOATING or not found:
            return found
        values = torch.frombuffer(bytearray(found), dtype=getattr(torch, dtype))
        return values.to(torch.bfloat16).view(torch.uint8).numpy().tobytes()

    def _from_buffer(self, buffer: bytearray | mmap.mmap, entry: TensorEntry, offset: int) -> Tensor:
        import torch

        dtype: torch.dtype = getattr(torch, TYPES[entry.dtype][0])
        if entry.start == entry.end:
            return torch.empty(entry.shape, dtype=dtype)
        flat = torch.frombuffer(buffer, dtype=dtype, count=prod(entry.shape), offset=offset)
        return flat.view(entry.shape)

    def _read(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(end - start)

    def _read_header(self) -> dict[str, TensorEntry]:
        size = os.fstat(self._file.fileno()).st_size
        length = int.from_bytes(self._file.read(8), "little")
        if size < 8 or length > min(MAX_HEADER, size - 8):
            raise self._damaged(f"its header claims {length} bytes and the file has {size}")
        try:
            header = json.loads(self._file.read(length))
        except (ValueError, RecursionError) as error:
            raise self._damaged("its header is not JSON") from error
        if not isinstance(header, dict):
            raise self._damaged("its header is not a JSON object")
        header.pop("__metadata__", None)
        entries = {name: self._entry(name, entry, 8 + length) for name, entry in header.items()}
        end = 8 + length
        for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].end)):
            if entry.start != end:
                raise self._damaged(f"the tensor {name} does not begin where the one before it ends")
            end = entry.end
        if end != size:
            raise self._damaged(f"its tensors need {end} bytes and the file has {size}")
        return entries

    def _entry(self, name: str, entry: Any, origin: int) -> TensorEntry:
        try:
            dtype, shape, (start, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
            plain = all(type(number) is int and number >= 0 for number in (*shape, start, end))
        except (TypeError, KeyError, ValueError) as error:
            raise self._damaged(f"its header does not describe the tensor {name}") from error
        if dtype not in TYPES:
            raise self._damaged(f"the tensor {name} is of the unknown type {dtype!r}")
        if not plain or end - start != prod(shape) * TYPES[dtype][1]:
            raise self._damaged(f"its header contradicts itself about the tensor {name}")
        return TensorEntry(dtype, shape, origin + start, origin + end)

    def _damaged(self, reason: str) -> UnsafeAdapter:
        return UnsafeAdapter(
            f"{self.path} is not a whole safetensors file: {reason}.",
            remedy="Download or save it again; an interrupted copy leaves such a file.",
        )
