"""PowerPoint slides (.pptx): a page a slide, its title as heading, then text, tables, charts and notes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from .extraction import Extraction
from .extraction_builder import ExtractionBuilder, one_line
from .office_zip import open_zip
from .reader_errors import corrupt_as_ingest_error

__all__ = ["read_pptx"]

TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
DIAGRAM_DATA = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
DIAGRAM_POINT = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}pt"


def read_pptx(data: bytes, name: str) -> Extraction:
    """Read slides; raises `IngestError` if the file is damaged, a zip bomb or behind a password."""
    from lxml.etree import LxmlError
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    with corrupt_as_ingest_error("pptx", name, PythonPptxError, LxmlError):
        open_zip(data, name).close()
        presentation = Presentation(io.BytesIO(data))
        builder = ExtractionBuilder()
        for slide in presentation.slides:
            _slide(builder, slide)
        return builder.build(title=presentation.core_properties.title or "")


def _slide(builder: ExtractionBuilder, slide: Any) -> None:
    builder.page()
    title = slide.shapes.title
    if title is not None and title.has_text_frame:
        builder.heading(title.text_frame.text, level=1)
    for shape in _flat(slide.shapes):
        if (title is None or shape.shape_id != title.shape_id) and not _is_margin(shape):
            _shape(builder, shape)
    if (
        slide.has_notes_slide
        and (frame := slide.notes_slide.notes_text_frame) is not None
        and frame.text.strip()
    ):
        builder.paragraph(f"Notes: {frame.text}")


def _is_margin(shape: Any) -> bool:
    """Whether a shape is what stands on every slide: its number, the date, a header or footer."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    repeated = (
        PP_PLACEHOLDER.DATE,
        PP_PLACEHOLDER.FOOTER,
        PP_PLACEHOLDER.HEADER,
        PP_PLACEHOLDER.SLIDE_NUMBER,
    )
    return bool(shape.is_placeholder and shape.placeholder_format.type in repeated)


def _flat(shapes: Any) -> Iterator[Any]:
    """All shapes, those in groups too, in the order in which a screen reader meets them."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _flat(shape.shapes)
        else:
            yield shape


def _shape(builder: ExtractionBuilder, shape: Any) -> None:
    if getattr(shape, "has_table", False):
        rows = [["" if cell.is_spanned else cell.text for cell in row.cells] for row in shape.table.rows]
        builder.table(rows)
    elif getattr(shape, "has_chart", False):
        _chart(builder, shape.chart)
    elif shape.has_text_frame:
        _text(builder, shape)
    else:
        _diagram(builder, shape)


def _text(builder: ExtractionBuilder, shape: Any) -> None:
    paragraphs = [paragraph for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]
    if shape.is_placeholder and len(paragraphs) > 1:
        items = ("  " * paragraph.level + "- " + one_line(paragraph.text) for paragraph in paragraphs)
        builder.block("\n".join(items), kind="list")
    else:
        builder.paragraph("\n".join(paragraph.text for paragraph in paragraphs))


def _chart(builder: ExtractionBuilder, chart: Any) -> None:
    """A chart as the table behind it."""
    if chart.has_title and chart.chart_title.has_text_frame:
        builder.paragraph(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        series = list(plot.series)
        rows = [["", *(one.name or "" for one in series)]]
        for position, category in enumerate(plot.categories):
            values = (one.values[position] if position < len(one.values) else None for one in series)
            rows.append([str(category), *("" if value is None else f"{value:g}" for value in values)])
        builder.table(rows)


def _diagram(builder: ExtractionBuilder, shape: Any) -> None:
    """The texts of a SmartArt diagram, which stand in a part of their own."""
    from lxml import etree

    for relation in shape._element.iter(DIAGRAM):
        part = shape.part.related_part(relation.get(DIAGRAM_DATA))
        root = etree.fromstring(part.blob, etree.XMLParser(resolve_entities=False, no_network=True))
        points = ("".join(text.text or "" for text in point.iter(TEXT)) for point in root.iter(DIAGRAM_POINT))
        builder.block("\n".join("- " + one_line(point) for point in points if point.strip()), kind="list")
