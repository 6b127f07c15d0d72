"""Zip archives from strangers: checked for size and passwords before anything in them is unpacked."""

from __future__ import annotations

import io
import zipfile

from .reader_errors import encrypted, too_large

__all__ = ["open_zip"]

MOST_BYTES = 1 << 30  # unpacked; zipfile never unpacks more of a member than the archive's list says
MOST_MEMBERS = 20_000
RATIO_LIMIT = 200  # office XML packs 5 to 30 times; only bombs reach hundreds on many megabytes
RATIO_FREE_BYTES = 64 << 20  # below this much the ratio does not matter


def open_zip(data: bytes, name: str) -> zipfile.ZipFile:
    """Open an archive that is safe to unpack; raises `IngestError` for bombs and passwords."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        raise too_large(name, f"it holds {len(members):,} files, more than {MOST_MEMBERS:,}")
    if total > MOST_BYTES or total > max(RATIO_FREE_BYTES, RATIO_LIMIT * len(data)):
        raise too_large(name, f"its {len(data):,} bytes would unpack to {total:,}")
    if any(member.flag_bits & 1 for member in members):
        raise encrypted(name)
    return archive
