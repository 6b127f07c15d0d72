"""Whether two sources are versions of one document, told from titles, names and what they declare."""

from __future__ import annotations

from typing import Any

import pytest

from ragweave.chains.version_names import edition_of, may_be_told, read_name, same_document


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    here, there = edition_of({"source": "1", **one}), edition_of({"source": "2", **other})
    assert same_document(here, there) == same_document(there, here)
    return same_document(here, there)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("policy_v2", (2,)),
        ("Policy v2.10", (2, 10)),
        ("policy rev 3", (3,)),
        ("Policy (Version 1.2)", (1, 2)),
        ("Handbook, 2nd edition", (2,)),
        ("Handbook, Third Edition", (3,)),
        ("Leave Policy 2023", ()),
        ("Route 66 Guide", ()),
    ],
)
def test_a_version_number_stands_at_the_end_of_a_name(text: str, version: tuple[int, ...]) -> None:
    assert read_name(text).version == version


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Work From Home Policy", "Wfh Policy Update May 2023"),
        ("Work From Home Policy", "April Work From Home Update"),
        ("Leave Policy 2022", "Leave Policy 2023"),
        ("Reiserichtlinie 2022", "Reiserichtlinie 2023"),
        ("Homeoffice-Richtlinie Mai 2022", "Homeoffice-Richtlinie Juni 2023"),
        ("Politique de télétravail 2022", "Politique de télétravail 2023"),
        ("Política de viajes 2022", "Política de viajes 2023"),
        ("Travel Rules (final)", "Travel Rules"),
        ("Old Travel Guidelines", "Travel Guideline"),
        ("Employee Handbook v1", "Employee Handbook v2"),
        ("Project Setup v1", "Project Setup v2"),
    ],
)
def test_titles_that_differ_in_date_number_or_mark_are_versions(one: str, other: str) -> None:
    assert same({"title": one}, {"title": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Leave Policy 2022", "Travel Policy 2023"),
        ("Leave Policy 2022", "Leave Guidelines 2023"),
        ("Parental Leave Policy 2022", "Leave Policy 2023"),
        ("Sales Report 2022", "Sales Report 2023"),
        ("Board Minutes May 2023", "Board Minutes June 2023"),
        ("World Cup 2014", "World Cup 2018"),
        ("Security Update", "Security Policy"),
        ("Software Update Policy", "Software Policy"),
        ("New Employee Onboarding Guide", "Employee Onboarding Guide"),
        ("2022", "2023"),
        ("", ""),
    ],
)
def test_titles_that_only_sound_alike_are_none(one: str, other: str) -> None:
    assert not same({"title": one}, {"title": other})


def test_the_same_title_needs_something_that_tells_the_versions_apart() -> None:
    title = {"title": "Parking Policy"}

    assert not same(title, title)
    assert not same({**title, "updated": "2022-01-01"}, {**title, "updated": "2022-01-01"})
    assert same({**title, "updated": "2022-01-01"}, {**title, "updated": "2023-01-01"})
    assert same({**title, "version": "1"}, {**title, "version": "2.0"})


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("hr/leave_policy_v1.md", "hr/leave_policy_v2.md", True),
        ("hr/leave-policy-2022-05.pdf", "hr/leave-policy-2023-05.pdf", True),
        ("hr/2022/leave-policy.md", "hr/2023/leave-policy.md", False),  # a folder's year dates no document
        ("uk/leave-policy-2022.md", "us/leave-policy-2023.md", False),
        ("leave_policy_v1.md", "travel_policy_v2.md", False),
    ],
)
def test_file_names_tell_versions_in_one_folder(one: str, other: str, wanted: bool) -> None:
    titles = ({"title": "Leave Policy"}, {"title": "Leave Policy"})
    if "travel" in other:
        titles = ({"title": "Leave"}, {"title": "Travel"})

    assert same({"source": one, **titles[0]}, {"source": other, **titles[1]}) is wanted


def test_a_file_that_kept_its_name_is_a_version_under_a_new_title() -> None:
    one = {"source": "leave_v1.md", "title": "Leave"}
    other = {"source": "leave_v2.md", "title": "Time away from work"}

    assert same(one, other)


def test_documents_for_different_regions_are_no_versions() -> None:
    title = {"title": "Travel Policy"}

    assert not same(
        {**title, "updated": "2022-01-01", "region": "UK"}, {**title, "updated": "2023-01-01", "region": "US"}
    )


@pytest.mark.parametrize("said", ["1", ["1", "0"], ("1",)])
def test_what_a_document_declares_holds_whatever_the_titles(said: Any) -> None:
    assert same({"title": "Hours"}, {"title": "Working time", "supersedes": said})
    assert same({"title": "Hours"}, {"title": "Working time", "replaces": said})


@pytest.mark.parametrize(
    "metadata",
    [
        {"title": "Leave Policy v2"},
        {"title": "Handbook, Third Edition"},
        {"title": "Old_Leave Policy"},
        {"source": "2.1/leave.md"},
        {"source": "leave-2023-05.md"},
        {"version": "2"},
        {"supersedes": "old.md"},
        {"published": "2023-05-01"},
    ],
)
def test_the_cheap_test_lets_pass_whatever_is_told_to_be_a_version(metadata: dict[str, Any]) -> None:
    told, cheaply = edition_of(metadata).is_told, may_be_told(metadata)

    assert told and cheaply


def test_the_cheap_test_leaves_out_a_title_that_tells_nothing() -> None:
    assert not may_be_told({"title": "Route 66 Guide", "source": "guides/route-66.md"})
