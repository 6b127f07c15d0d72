"""A PDF written by hand, so that tests know where each word stands."""

from __future__ import annotations

from dataclasses import dataclass, field

FONTS = {"plain": "Helvetica", "bold": "Helvetica-Bold", "code": "Courier"}


@dataclass
class PdfPage:
    """Content of one page of 612 by 792 points, counted from the lower left corner."""

    operators: list[str] = field(default_factory=list)
    rotation: int = 0

    def text(self, text: str, *, x: float = 72, y: float, size: float = 10, font: str = "plain") -> PdfPage:
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        self.operators.append(f"BT /{font} {size} Tf {x} {y} Td ({escaped}) Tj ET")
        return self

    def lines(self, *texts: str, y: float, x: float = 72, size: float = 10, font: str = "plain") -> PdfPage:
        for number, text in enumerate(texts):
            self.text(text, x=x, y=y - number * 1.2 * size, size=size, font=font)
        return self

    def grid(self, xs: list[float], ys: list[float]) -> PdfPage:
        self.operators += [f"{x} {ys[0]} m {x} {ys[-1]} l S" for x in xs]
        self.operators += [f"{xs[0]} {y} m {xs[-1]} {y} l S" for y in ys]
        return self


def pdf(*pages: PdfPage, title: str = "") -> bytes:
    fonts = " ".join(
        f"/{key} << /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
        for key, name in FONTS.items()
    )
    numbers = [5 + 2 * number for number in range(len(pages))]
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{n} 0 R' for n in numbers)}] /Count {len(pages)} >>",
        f"<< /Title ({title}) >>",
        f"<< /Font << {fonts} >> >>",
    ]
    for number, page in zip(numbers, pages, strict=True):
        content = "\n".join(page.operators)
        bodies.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources 4 0 R"
            f" /Rotate {page.rotation} /Contents {number + 1} 0 R >>"
        )
        bodies.append(f"<< /Length {len(content.encode('cp1252'))} >>\nstream\n{content}\nendstream")
    data = b"%PDF-1.4\n"
    places: list[int] = []
    for number, body in enumerate(bodies, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = (
        f"trailer << /Size {len(bodies) + 1} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    )
    return data + f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")
