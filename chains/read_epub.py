"""Books (.epub): the chapters in the order of the book's spine, each read as HTML."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from .errors import IngestError
from .extraction import Extraction
from .extraction_builder import ExtractionBuilder
from .office_zip import open_zip
from .read_html import read_html
from .reader_errors import corrupt_as_ingest_error, encrypted

__all__ = ["read_epub"]

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
FONT_SCRAMBLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
PAGE_TYPES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def read_epub(data: bytes, name: str) -> Extraction:
    """Read a book; raises `IngestError` if it is damaged, a zip bomb or under copy protection."""
    from lxml.etree import LxmlError

    with corrupt_as_ingest_error("epub", name, LxmlError), open_zip(data, name) as archive:
        if _is_protected(archive):
            raise encrypted(name)
        package_path = _package_path(archive)
        package = _xml(archive.read(package_path))
        builder = ExtractionBuilder()
        for path in _spine(package, posixpath.dirname(package_path)):
            builder.extraction(_chapter(archive.read(path), path, name))
        return builder.build(title=_first_text(package, "title"))


def _chapter(page: bytes, path: str, name: str) -> Extraction:
    """A chapter's text; a cover or a page of pictures has none and is no error."""
    try:
        return read_html(page, path)
    except IngestError as error:
        if page.strip():
            return Extraction("")
        raise IngestError(f"{name}: {error.message}", remedy=error.remedy) from error


def _xml(data: bytes) -> Any:
    from lxml import etree

    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _is_protected(archive: zipfile.ZipFile) -> bool:
    if ENCRYPTION not in archive.namelist():
        return False
    methods = _xml(archive.read(ENCRYPTION)).iter("{*}EncryptionMethod")
    return any(method.get("Algorithm") not in FONT_SCRAMBLING for method in methods)


def _package_path(archive: zipfile.ZipFile) -> str:
    roots = _xml(archive.read(CONTAINER)).iter("{*}rootfile")
    return next(str(root.get("full-path")) for root in roots)


def _spine(package: Any, folder: str) -> Iterator[str]:
    """Paths of the chapters in reading order, without the table of contents."""
    items = {item.get("id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in PAGE_TYPES:
            continue
        if "nav" not in (item.get("properties") or "").split():
            yield posixpath.normpath(posixpath.join(folder, unquote(urlsplit(item.get("href")).path)))


def _first_text(package: Any, tag: str) -> str:
    element = next(package.iter("{http://purl.org/dc/elements/1.1/}" + tag), None)
    return "" if element is None else str(element.text or "")
