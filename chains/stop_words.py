"""Function words: what a question is made of besides its subject, and what tells a language by.

English has a list of our own, because the one of the package `stop-words` (1,333 words) swallows content
words such as "computer" and "system"; other languages take the package's. Knows no stemming.
"""

from __future__ import annotations

from functools import cache

__all__ = ["CONTRACTED", "MARKERS", "stop_words"]

# Lucene's 33, question words, and the auxiliaries and pronouns that questions are made of. Longer lists lose
# more than they gain: a question may well differ from another one by "from", "about" or "than".
ENGLISH = frozenset(
    """
    a an and are as at be but by for if in into is it no not of on or such that the their then there these
    they this to was will with
    what which how who when where why whose whom
    do does did doing am been being has have had can could should would
    i me my we us our you your from
    """.split()
)

# What follows the apostrophe of an English contraction; "n't" only ever ends an auxiliary.
CONTRACTED = frozenset({"s", "t", "re", "ve", "ll", "d", "m"})

# The commonest function words of a language, few of them shared with its neighbours: for telling it, not
# for leaving words out.
MARKERS = {
    "english": "the of and to in is that for it with as was are be this by have from which not you or",
    "french": "le la les de des du et est à une en que qui dans pour pas sur au aux avec ce par ne vous nous",
    "german": "der die das und ist nicht ein eine zu den mit von für auf im dem sich des auch es werden sie",
    "spanish": "el la los las de y en que un una por con para se del es no lo al su como más o",
    "italian": "il la di che e è un una per non in con del della dei le gli si da al sono come nel lo i",
    "portuguese": "o a os as de que e em um uma do da no na para com não se por dos das ao é mais",
    "dutch": "de het een en van is in dat niet te op zijn voor met er aan die om ook als bij wordt u",
    "danish": "og i at det er en til af på for de ikke som der den med et har jeg kan skal ved fra",
    "norwegian": "og i det er en til av på for de ikke som den med et har jeg kan skal ved fra etter å",
    "swedish": "och i att det är en till av på för de inte som den med ett har jag kan ska vid från om du",
    "finnish": "ja on ei se että oli hän mutta ovat joka tai myös kun niin kuin sen ole jos voi olla",
    "hungarian": "a az és hogy nem is egy van ez meg csak vagy de ha mint azt volt lehet kell el",
    "romanian": "și în de la cu pe nu că este un o din care pentru se sau ca mai sunt au fi al",
    "catalan": "el la els les de i a en que un una per amb del no és es al com dels més o són",
    "turkish": "ve bir bu için ile de da olarak çok daha ne gibi olan kadar değil var en sonra her",
    "polish": "i w na z się do nie że jest to o jak po od za dla przez są być lub oraz co",
    "czech": "a v na je se že to s z do o k i pro jsou jako by ve za od nebo při není být",
    "indonesian": "yang dan di untuk dengan tidak ini dari pada dalam itu adalah ke akan atau oleh juga",
    "lithuanian": "ir yra į kad su iš ne tai buvo kaip bet per nuo ar už apie arba po jo gali",
    "estonian": "ja on ei et see oli ka kui või mis aga ning tema selle kes siis ole olla ta",
    "irish": "an na agus ar is le go do sa ag bhí ach nó atá sé leis i mar tá",
    "basque": "eta da ez bat du dira ere zen den izan hau edo dute baina bere beste egin",
    "esperanto": "la kaj de en estas ne por kun al ke li ĝi pri sed kiel ili el ĉi tiu",
    "russian": "и в не на что с по как это для из к от но а он за при или его то же о у",
    "serbian": "и у је на да се за од са су као не који али је или која што из",
    "arabic": "في من على إلى أن هذا هذه التي الذي لا ما مع عن كان أو ذلك هو هي",
    "persian": "و در به از که این را با است برای آن یک تا می بر شود شده های هم",
    "hindi": "के का की में है से को और पर यह हैं ने एक नहीं कि भी या तो",
    "nepali": "र को मा छ का ले लाई पनि हो यो छन् गर्न गरेको भएको तथा",
}


@cache
def stop_words(language: str) -> frozenset[str]:
    """The function words of a language in lower case; none where no list is known."""
    if language == "english":
        return ENGLISH
    import stop_words as package  # type: ignore[import-untyped]  # a list in JSON files

    if language not in package.AVAILABLE_LANGUAGES:
        return frozenset(MARKERS.get(language, "").split())
    return frozenset(word.lower() for word in package.get_stop_words(language) if word.isalpha())
