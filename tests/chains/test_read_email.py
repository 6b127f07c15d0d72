from __future__ import annotations

from email.message import EmailMessage

from ragweave.chains.readers import read


def mail(subject: str = "Your leave") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@example.com>"
    message["To"] = "bob@example.com"
    message["Date"] = "Mon, 02 Mar 2026 09:30:00 +0000"
    message["Subject"] = subject
    return message


def test_subject_is_heading_and_title_people_and_date_follow() -> None:
    message = mail("Überstunden")
    message.set_content("Thirty days.\n\nAda")

    extraction = read(message.as_bytes(), "mail.eml")

    assert extraction.title == "Überstunden"
    assert extraction.headings[0].title == "Überstunden"
    assert extraction.text == (
        "Überstunden\n\nFrom: Ada Lovelace <ada@example.com>\nTo: bob@example.com\n"
        "Date: Mon, 02 Mar 2026 09:30:00 +0000\n\nThirty days.\n\nAda"
    )


def test_an_html_body_keeps_headings_and_tables() -> None:
    message = mail()
    message.set_content(
        "<html><body><h2>Grades</h2><p>By grade:</p><table><tr><th>Grade</th><th>Days</th></tr>"
        "<tr><td>A</td><td>30</td></tr></table></body></html>",
        subtype="html",
    )

    extraction = read(message.as_bytes(), "mail.eml")

    assert "Grades" in [one.title for one in extraction.headings]
    assert all(extraction.text[one.start : one.end] == one.title for one in extraction.headings)
    table = next(block for block in extraction.blocks if block.kind == "table")
    assert "| A | 30 |" in extraction.text[table.start : table.end]


def test_the_plain_body_is_taken_before_the_html_one() -> None:
    message = mail()
    message.set_content("Plain words.")
    message.add_alternative("<p>Marked-up words.</p>", subtype="html")

    text = read(message.as_bytes(), "mail.eml").text

    assert "Plain words." in text and "Marked-up" not in text


def test_attachments_are_listed_by_name() -> None:
    message = mail()
    message.set_content("See attached.")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Leave form.pdf")

    assert read(message.as_bytes(), "mail.eml").text.endswith("Attachments: Leave form.pdf")


def test_a_forwarded_mail_is_read_below_the_one_that_carries_it() -> None:
    inner = mail("The original")
    inner.set_content("Inner words.")
    message = mail("Fwd: The original")
    message.set_content("See below.")
    message.add_attachment(inner)

    extraction = read(message.as_bytes(), "mail.eml")

    assert [(one.level, one.title) for one in extraction.headings] == [
        (1, "Fwd: The original"),
        (2, "The original"),
    ]
    assert extraction.text.endswith("Inner words.")


def test_lines_of_flowed_text_join() -> None:
    data = (
        b"From: a@b.c\nDate: Mon, 02 Mar 2026 09:30:00 +0000\nSubject: s\nTo: d@e.f\n"
        b'Content-Type: text/plain; charset="utf-8"; format=flowed\n\nThirty days \nof leave.\nNext line.\n'
    )

    assert read(data, "mail.eml").text.endswith("Thirty days of leave.\nNext line.")


def test_an_unknown_charset_does_not_lose_the_mail() -> None:
    data = (
        b"From: a@b.c\nDate: Mon, 02 Mar 2026 09:30:00 +0000\nSubject: s\nTo: d@e.f\n"
        b'Content-Type: text/plain; charset="x-nobody-knows"\n\nThirty days.\n'
    )

    assert "Thirty days." in read(data, "mail.eml").text
