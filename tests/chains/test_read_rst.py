from __future__ import annotations

from textwrap import dedent

import pytest

from ragweave.chains.extraction import Extraction
from ragweave.chains.read_rst import read_rst

from .extraction_marks import assert_marks_hold, blocks_of


def rst(source: str) -> Extraction:
    extraction = read_rst(dedent(source).encode(), "a.rst")
    assert_marks_hold(extraction)
    return extraction


def test_headings_have_the_levels_of_their_marks() -> None:
    extraction = rst(
        """
        =====
        Guide
        =====

        Text.

        Part
        ----

        ``code`` part
        ~~~~~~~~~~~~~

        More.

        Other
        -----
        """
    )

    assert [(heading.level, heading.title) for heading in extraction.headings] == [
        (1, "Guide"),
        (2, "Part"),
        (3, "code part"),
        (2, "Other"),
    ]
    assert extraction.title == "Guide"


def test_marks_leave_their_words_and_literals_stand_in_backticks() -> None:
    source = "Use ``a*b``, *now*, **here**, `link <http://a.b>`_, H\\ :sub:`2`\\ O, m\\ :sup:`2` [1]_.\n"
    source += "\n.. [1] Note.\n"

    assert rst(source).text == "Use `a*b`, now, here, link, H2O, m².\n\n[1] Note."


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (":ref:`the guide <x>`", "the guide"),
        (":class:`~json.JSONDecoder`", "`JSONDecoder`"),
        (":py:func:`json.loads`", "`json.loads`"),
        (":unheard:`of`", "of"),
    ],
)
def test_roles_of_sphinx_are_readable(source: str, expected: str) -> None:
    assert rst(f"See {source} now.\n").text == f"See {expected} now."


def test_tables_of_all_kinds_are_a_line_a_row() -> None:
    extraction = rst(
        """
        +-------+------+
        | Grade | Days |
        +=======+======+
        | A     | 30   |
        |       +------+
        |       | 31   |
        +-------+------+

        ===== ====
        Grade Days
        ===== ====
        B     25
        ===== ====

        .. list-table:: Prices
           :header-rows: 1

           * - Item
             - Price
           * - Pen
             - 2
        """
    )

    assert blocks_of(extraction, "table") == [
        "| Grade | Days |\n| A | 30 |\n| A | 31 |",
        "| Grade | Days |\n| B | 25 |",
        "| Item | Price |\n| Pen | 2 |",
    ]
    assert "Prices" in extraction.text


def test_code_is_kept_as_it_stands_whatever_its_options() -> None:
    extraction = rst(
        """
        .. code-block:: python
           :linenos:
           :emphasize-lines: 2

           def f():
               return 1

           .. note:: part of the code

        So::

            $ make

        >>> 1 + 1
        2
        """
    )

    assert blocks_of(extraction, "code") == [
        "def f():\n    return 1\n\n.. note:: part of the code",
        "$ make",
        ">>> 1 + 1\n2",
    ]


def test_lists_keep_their_marks_and_depth() -> None:
    extraction = rst(
        """
        (a) first
        (b) second

            * nested
            * too

        #. one
        #. two
           wrapped
        """
    )

    assert extraction.text == "(a) first\n(b) second\n    - nested\n    - too\n\n1. one\n2. two wrapped"


def test_definitions_fields_and_options_carry_their_names() -> None:
    source = "Leave\n  30 days.\n\n:Author: Ann\n\n-v, --verbose  says more\n\n| one\n| two\n"

    assert rst(source).text == "Leave: 30 days.\n\nAuthor: Ann\n\n`-v, --verbose`: says more\n\none\ntwo"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (".. note:: Beware.\n\n   More.\n", "Beware.\n\nMore."),
        (".. seealso::\n\n   The guide.\n", "The guide."),
        (".. versionadded:: 3.2\n   The *key* option.\n", "Added in version 3.2: The key option."),
        (".. deprecated:: 4.0\n", "Deprecated since version 4.0."),
        (".. py:function:: f(*args)\n   :async:\n\n   Does it.\n", "`f(*args)`\n\nDoes it."),
        (".. tabs::\n\n   .. tab:: Linux\n\n      Run.\n", "Linux\n\nRun."),
        (".. toctree::\n   :maxdepth: 2\n\n   a\n   b\n\nText.\n", "Text."),
        (".. automodule:: x\n   :members:\n\nText.\n", "Text."),
        (".. image:: a.png\n   :alt: x\n\n.. a comment\n\nText.\n", "Text."),
    ],
)
def test_directives_leave_what_they_hold(source: str, expected: str) -> None:
    assert rst(source).text == expected


def test_no_file_is_inserted_and_nothing_raw_is_read() -> None:
    source = ".. include:: /etc/hostname\n\n.. csv-table::\n   :file: /etc/hostname\n\n"
    source += ".. raw:: html\n\n   <b>x</b>\n\nText.\n"

    assert rst(source).text == "Text."


@pytest.mark.parametrize(
    "source",
    ["Bad *emphasis and `link`_ |sub|.\n", "Title\n==\n\nText\n", "- a\n b\n", ".. figure::\n\nText\n"],
)
def test_complaints_about_the_source_never_enter_the_text(source: str) -> None:
    text = rst(source).text

    assert text
    assert "System Message" not in text and "WARNING" not in text and "<string>" not in text


def test_a_very_long_line_is_read() -> None:
    assert len(rst("word " * 5000).text) == 24_999
