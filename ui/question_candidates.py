"""Candidate questions from the headings and sentences of documents. Pure: passages in, questions out.

Each form turns one kind of sentence into the question that it answers; what reads badly is left out.
English only: in other languages few sentences take these forms, and the page then shows fewer examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from ragweave.chains.sentences import sentences

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question, and the sentence or heading that it was made from."""

    question: str
    source: str
    form: str
    evidence: str
    is_heading: bool = False


FORMS = ("asked", "how", "if", "event", "purpose", "definition", "when", "duty", "right", "does", "about")
NOUNS = r"(?:[A-Za-z][\w'’-]*)(?: [A-Za-z][\w'’-]*){0,5}"
END = (  # where the object of a verb ends
    r"(?=[.;:]|, (?:and|but|which|who|unless|if|when|so)\b|$"
    r"| (?:by|in|on|at|for|with|when|if|before|after|within|using|through|to|so|unless|who|that|which|as)\b)"
)
DO = (  # how an instruction goes on after "To do this,"
    r"(?:please |simply |first |just )?(?:add|call|choose|click|complete|contact|copy|create|fill|follow"
    r"|give|go|install|open|pass|press|put|run|select|set|start|submit|type|use|visit|write|you)\b"
)
PEOPLE = (
    r"(?P<who>Employees|Staff|Managers|Supervisors|Customers|Members|Users|Students|Visitors|Contractors)"
)
VERB = r"(?:(?!apply|comply|imply|rely|reply|supply)[a-z]+ly )?(?P<what>[a-z]{3,}(?: [\w'’-]+){1,6}?)"
TIME = r"(?=.*\b(?:at least|within|before|by the end|no later|days|weeks|months)\b)"
MUST = r"(?:must|are required to|need to|have to)"
SENTENCE_FORMS = (
    ("how", rf"To (?P<what>(?!be\b|ensure\b)[a-z]{{3,}} [\w'’ -]{{4,50}}?), {DO}", "How do I {what}?"),
    ("if", r"If you (?P<what>[a-z][\w'’ -]{6,55}?), [a-z]", "What should I do if I {what}?"),
    (
        "event",
        r"In the event of (?P<what>an? [\w'’ -]{6,45}?)(?: due to [^,]*)?, [a-z]",
        "What happens in the event of {what}?",
    ),
    (
        "purpose",
        rf"The purpose of (?:this|the) (?P<what>{NOUNS}?) is to\b",
        "What is the purpose of the {what}?",
    ),
    (
        "definition",
        rf"(?P<what>(?!\w+ing |\w+ly \w+ed )(?:(?:An?|The) )?{NOUNS}?) (?P<be>is|are) "
        r"(?:an?|the|one of) [a-z]",
        "What {be} {what}?",
    ),
    ("when", rf"{PEOPLE} (?:{MUST}|should) {VERB}{END}{TIME}", "When do {who} have to {what}?"),
    ("duty", rf"{PEOPLE} {MUST} (?!be\b|have\b){VERB}{END}", "Do {who} have to {what}?"),
    (
        "right",
        rf"{PEOPLE} (?:can|may|are allowed to|are entitled to) (?!be\b|have\b|also\b){VERB}{END}",
        "Can {who} {what}?",
    ),
)
VERBS = frozenset(
    "add answer ask build change check choose compare configure connect create delete deploy download "
    "edit enable evaluate export filter find fix format generate get import improve include ingest "
    "install limit load make measure merge move open organize override package protect publish query "
    "raise read receive refund remove rename request reset restart restore return run save search "
    "select send serve set share start stop store stream submit switch test train try tune turn "
    "update upgrade upload use validate view write".split()
)
OBJECT = re.compile(r"(?:an?|the|your|more|all|several|many)\b|[\w-]+s\b")  # after an imperative
THIN = re.compile(
    r"(?i)\b(about|intro|introduction|summary|conclusion|motivation|overview|example|examples|notes?|recap|more|just"
    r"|simple|extra|short|other|misc|references?|contents?|appendix|faq|scope|purpose|background|changelog|licen[cs]e)\b|\W{2}"
)
CODE = re.compile(r"\d[a-z]+\d|\d{5}|^(?:Sheet|Slide|Table|Section|Figure) ?\d+$")  # an identifier, a number
NO_SUBJECT = frozenset(
    "how what when where who why without all and any as at both but by each either every for from "
    "however if in like many most much neither no not now of on or some then thus to today with".split()
)
VAGUE = re.compile(
    r"(?i)\b(it|its|this|that|these|those|they|there|here|he|she|we|our|us|his|her|such|same|above|below|following"
    r"|former|latter|other|another|first|second|third|next|last|result|reason|idea|thing|things|goal|example|note"
    r"|default|rest|step|steps|one|ones|what|which|who|whose|where|if|when|because|so|also|only|instead|overview"
    r"|unknown|missing|wrong|bad|good|empty|new|old|single)\b"
)
READABLE = re.compile(r"[A-Z][\w ,'’/&+-]{10,85}\w\?")


def candidates(source: str, documents: Sequence[Document]) -> Iterator[Candidate]:
    """Questions that passages of one source seem to answer, in the order of the passages."""
    text = "\n".join(document.page_content for document in documents)
    seen: set[str] = set()
    for made in _made(source, documents, text):
        if made.question not in seen and _reads_well(made):
            seen.add(made.question)
            yield made


def _made(source: str, documents: Sequence[Document], text: str) -> Iterator[Candidate]:
    spell = _speller(text)
    headings: set[str] = set()
    for document in documents:
        heading = str(document.metadata.get("heading") or "").rpartition(" > ")[2]
        if heading and heading not in headings:
            headings.add(heading)
            for form, question in _from_heading(heading, text, spell):
                yield Candidate(question, source, form, heading, is_heading=True)
        for sentence in _sentences(document.page_content):
            for form, question in _from_sentence(sentence, spell):
                yield Candidate(question, source, form, sentence)


def _sentences(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith(("#", "|", "```", ">", "<")):
            plain = re.sub(r"^\s*(?:[-*+•]|\d+[.)]|[a-z]\.)\s+", "", line).replace("**", "")
            yield from (plain[start:end].strip() for start, end in sentences(plain))


def _from_sentence(sentence: str, spell: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    if not 30 <= len(sentence) <= 320 or "[" in sentence or "`" in sentence:
        return
    for form, pattern, question in SENTENCE_FORMS:
        found = re.match(pattern, sentence)
        if found is None:
            continue
        parts = {
            name: value if name == "be" else _to_first_person(_spelt_first(value, spell))
            for name, value in found.groupdict().items()
        }
        yield form, _capital(question.format(**parts))


def _spelt_first(words: str, spell: Callable[[str], str]) -> str:
    first, blank, rest = words.partition(" ")
    if rest and all(word[0].isupper() for word in words.split() if word != "of"):
        return words  # a name
    return spell(first) + blank + rest


def _from_heading(heading: str, text: str, spell: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    plain = heading.strip().rstrip(":")
    if plain.endswith("?"):
        yield "asked", _capital(plain)
        return
    first, _, rest = plain.partition(" ")
    verb = _verb(first.lower())
    if re.match(r"(?i)how to \w", plain):
        yield "how", f"How do I {_to_first_person(spell(plain[7:]))}?"
    elif found := re.fullmatch(
        r"(?i)how (?P<what>[\w' -]+?) (?P<be>is|are) (?P<done>made|built|kept|stored)", plain
    ):
        yield "how", f"How {found['be'].lower()} {spell(found['what'])} {found['done']}?"
    elif found := re.fullmatch(r"(?i)how (?P<what>[\w' -]+?) (?P<does>[a-z]+[^s\W])s", plain):
        yield "how", f"How does {spell(found['what'])} {found['does']}?"
    elif found := re.fullmatch(r"(?i)(?P<ask>what|who|where|when) (?P<what>[\w' -]+?) (?P<be>is|are)", plain):
        yield "asked", f"{found['ask'].capitalize()} {found['be']} {spell(found['what'])}?"
    elif verb and (first.lower().endswith("ing") or OBJECT.match(rest)):
        yield "how", f"How do I {verb} {_to_first_person(spell(rest))}?"
    elif re.fullmatch(r"[a-z]+(?: [a-z-]+){1,2}", plain) and re.search(rf"(`|\$ |\n){plain}\b", text):
        yield "does", f"What does {plain} do?"
    elif (
        not verb
        and 1 <= len(plain.split()) <= 4
        and not THIN.search(plain)
        and not CODE.search(plain)
        and first.lower() not in NO_SUBJECT
    ):
        yield "about", f"What should I know about {spell(plain)}?"


def _verb(word: str) -> str:
    """The plain form of a verb that a heading may begin with; "" for any other word."""
    stem = word[:-3]
    forms = (word, stem, stem + "e", stem[:-1]) if word.endswith("ing") else (word,)
    return next((form for form in forms if form in VERBS), "")


def _to_first_person(words: str) -> str:
    words = re.sub(r"^are\b", "am", words)  # "if you are" has lost its first words here
    for theirs, mine in (("you are", "I am"), ("you", "I"), ("your", "my"), ("yourself", "myself")):
        words = re.sub(rf"\b{theirs}\b", mine, words)
    return words


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _speller(text: str) -> Callable[[str], str]:
    """Words as they are written inside sentences: names keep their capitals, first words lose theirs."""
    inside = re.findall(r"(?<=[a-z,;] )[A-Za-z][\w'’-]*", text)
    capital = {word for word in inside if word[0].isupper()}
    small = {word for word in inside if word[0].islower()}

    def spell(words: str) -> str:
        given = words.split()
        title_case = sum(word[0].isupper() for word in given) > len(given) / 2
        return " ".join(_inside(word) if title_case or not at else word for at, word in enumerate(given))

    def _inside(word: str) -> str:
        if word in ("I", "A", "An", "The"):
            return word if word == "I" else word.lower()
        if (
            not word[:1].isupper()
            or word[1:] != word[1:].lower()
            or (word in capital and word.lower() not in small)
        ):
            return word
        return word.lower()

    return spell


def _reads_well(made: Candidate) -> bool:
    question = made.question
    if READABLE.fullmatch(question) is None or not 3 <= len(question.split()) <= 15:
        return False
    if made.form == "definition" and made.evidence.split()[0].lower() in NO_SUBJECT:
        return False
    subject = re.sub(
        r"^(?:What|How|When|Where|Who|Why|Do|Does|Can)\b(?: (?:should I do if|should I know|happens|do I))?",
        "",
        question,
    )
    return made.form == "asked" or VAGUE.search(subject) is None
