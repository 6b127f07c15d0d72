"""How much of what must come out of real files does: a table per format, then each miss.

Run: python benchmarks/formats.py [FOLDER with files/ and expect.jsonl]
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path

from ragweave.chains.errors import IngestError
from ragweave.chains.readers import read

SAMPLES = Path(__file__).resolve().parents[2] / "shared/data/sample-docs"


def plain(text: str) -> str:
    """As the expectations compare: white space collapsed, case ignored."""
    return " ".join(text.split()).casefold()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    counts: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    notes: list[str] = []
    for line in (folder / "expect.jsonl").read_text(encoding="utf-8").splitlines():
        expected = json.loads(line)
        row = counts[expected["format"].split()[0].rstrip(",")]
        data = (folder / "files" / expected["file"]).read_bytes()
        wanted, unwanted = expected["must_contain"], expected.get("must_not", [])
        began = time.perf_counter()
        try:
            text = plain(read(data, expected["file"]).text)
        except IngestError as error:
            text = ""
            notes.append(f"{expected['file']}: {error}")
        missing = [snippet for snippet in wanted if plain(snippet) not in text]
        present = [snippet for snippet in unwanted if plain(snippet) in text]
        row[0] += 1
        row[1] += bool(text)
        row[2] += len(wanted) - len(missing)
        row[3] += len(wanted)
        row[4] += time.perf_counter() - began
        notes += [f"{expected['file']}: missing {snippet!r}" for snippet in missing if text]
        notes += [f"{expected['file']}: has {snippet!r}, which is no content" for snippet in present]
    print(f"{'format':12} {'files':>5} {'read':>5} {'found':>6} {'of':>4} {'ms':>7}")
    for kind, (files, reads, found, of, seconds) in sorted(counts.items()):
        print(f"{kind:12} {files:5.0f} {reads:5.0f} {found:6.0f} {of:4.0f} {seconds * 1000:7.0f}")
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
