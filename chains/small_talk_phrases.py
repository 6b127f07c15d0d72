"""What people say who ask for nothing, and what a bot says to it, in seven languages. Data alone.

No phrase may be a question about documents, nor a word that someone looks up: "nice", "fine", "super" and
"DAG" are left out for that.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ANSWERS", "KINDS", "PHRASES", "TITLES_SAID"]

KINDS = (
    "identity",
    "ability",
    "thanks",
    "goodbye",
    "greeting",
    "consent",
)  # the first of several is answered

# For each language and kind regular expressions for whole phrases, in small letters. `filler` may stand
# beside any of them and is nothing alone. Accents do not count.
PHRASES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "identity": r"who are you|what are you|what(?:'s| is) your name|do you have a name|introduce yourself"
        r"|are you (?:an? )?(?:bot|robot|human|person|ai|machine|real|chatgpt)|who (?:made|built|created) you"
        r"|am i (?:talking|speaking|chatting) (?:to|with) (?:an? )?(?:real )?(?:bot|robot|human|person"
        r"|machine)",
        "ability": r"what can you do(?: for me)?|what do you know"
        r"|what (?:can|could) i ask(?: you)?(?: about)?"
        r"|(?:how )?can you help(?: me)?(?: out)?|what are you (?:for|able to do|capable of)|help(?: me)?"
        r"|how do you work|what (?:topics )?do you cover"
        r"|(?:what is|how does) this (?:bot|chat|page)(?: do| work)?",
        "thanks": r"thanks(?: you)?|thank you|thx|cheers|much appreciated|i appreciate (?:it|that|your help)"
        r"|(?:that|this) (?:was|is) (?:very |really |so )?helpful|that helps",
        "goodbye": r"bye+(?:[ -]bye)?|good ?bye|see you(?: later| soon| tomorrow)?|good night|take care"
        r"|have a (?:nice|good|great) (?:day|evening|weekend|one)|that(?:'s| is| was) (?:all|it)",
        "greeting": r"hi+|hello+|hey+|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)"
        r"|how are you(?: doing)?|how(?:'s| is) it going|what's up|(?:nice|pleased) to meet you",
        "consent": r"ok|okay|alright|all right|great|perfect|cool|got it|i see|understood|sounds good"
        r"|makes sense|awesome|wonderful|never ?mind|no problem",
        "filler": r"there|everyone|all|everybody|folks|team|bot|assistant|ragweave|please|so|very|much"
        r"|a lot|again"
        r"|for (?:your|the) (?:help|answer|time|quick reply|information)|for everything|to you|today|and|then"
        r"|just|really|well done|in advance|oh|ah|yes|no|yeah",
    },
    "de": {
        "identity": r"wer bist du|wer sind sie|was bist du|wie heißt du|wie heißen sie"
        r"|bist du (?:eine? )?(?:bot|roboter|mensch|ki|maschine)",
        "ability": r"was kannst du(?: alles)?(?: tun| machen)?|was können sie(?: alles)?(?: tun)?|hilfe"
        r"|was kann ich (?:dich |sie )?(?:alles )?fragen|wie (?:kannst du|können sie) mir helfen"
        r"|(?:kannst du|können sie) mir helfen|was weißt du(?: alles)?",
        "thanks": r"danke(?: ?schön| sehr)?|vielen (?:lieben )?dank|herzlichen dank|besten dank"
        r"|das hilft(?: mir)?",
        "goodbye": r"tschüss|auf wiedersehen|bis (?:dann|bald|später|morgen)|gute nacht"
        r"|(?:einen )?schönen (?:tag|abend)(?: noch)?",
        "greeting": r"hallo+|guten (?:morgen|tag|abend)|moin(?: moin)?|servus|grüß gott"
        r"|wie geht(?:'s| es (?:dir|ihnen))",
        "consent": r"alles klar|verstanden|in ordnung|schon gut",
        "filler": r"zusammen|dir|ihnen|für (?:die|deine|ihre) hilfe|bitte|und|ja|nein",
    },
    "fr": {
        "identity": r"qui (?:es[ -]tu|êtes[ -]vous)|(?:tu es|vous êtes) qui"
        r"|comment (?:t'appelles[ -]tu|vous appelez[ -]vous)"
        r"|(?:es[ -]tu|êtes[ -]vous) un (?:robot|humain|bot)",
        "ability": r"que (?:peux[ -]tu|pouvez[ -]vous|sais[ -]tu|savez[ -]vous) faire"
        r"|qu'est-ce que (?:tu peux|vous pouvez) faire|(?:comment )?(?:peux[ -]tu|pouvez[ -]vous) m'aider",
        "thanks": r"merci(?: beaucoup| bien)?|je vous remercie",
        "goodbye": r"au revoir|à (?:bientôt|demain|plus tard)|bonne (?:nuit|journée|soirée)",
        "greeting": r"bonjour|bonsoir|salut|coucou|comment (?:ça va|allez[ -]vous|vas[ -]tu)|ça va",
        "consent": r"d'accord|parfait|très bien|compris|entendu",
        "filler": r"à (?:tous|vous|toi)|tout le monde|pour (?:votre|ton) aide|et|oui|non"
        r"|s'il (?:vous|te) plaît",
    },
    "es": {
        "identity": r"quién (?:eres|es usted)|qué eres|cómo te llamas|eres un (?:robot|bot|humano)",
        "ability": r"qué (?:puedes|puede|sabes) hacer|ayuda|qué puedo preguntar(?:te)?"
        r"|(?:cómo )?(?:me )?(?:puedes|puede) ayudar(?:me)?",
        "thanks": r"(?:muchas |mil )?gracias",
        "goodbye": r"adiós|hasta (?:luego|pronto|mañana|la vista)",
        "greeting": r"hola+|buenos días|buenas(?: tardes| noches)?|qué tal|cómo (?:estás|está(?: usted)?)",
        "consent": r"de acuerdo|perfecto|muy bien|entendido",
        "filler": r"a todos|por (?:tu|su|la) ayuda|por todo|y|sí|por favor",
    },
    "it": {
        "identity": r"chi (?:sei|è lei)|come ti chiami|(?:che )?cosa sei|sei un (?:robot|bot|umano)",
        "ability": r"(?:che )?cosa (?:puoi|sai|può) fare|(?:come )?(?:mi )?(?:puoi|può) aiutar(?:e|mi)|aiuto",
        "thanks": r"grazie(?: mille| tante)?|molte grazie",
        "goodbye": r"arrivederci|a (?:presto|domani|dopo)|buona ?notte|buona giornata",
        "greeting": r"ciao|buon ?giorno|buona ?sera|come (?:stai|sta|va)",
        "consent": r"va bene|perfetto|d'accordo|capito|ottimo",
        "filler": r"a tutti|per (?:l'aiuto|tutto|il tuo aiuto)|e|sì|per favore",
    },
    "pt": {
        "identity": r"quem é você|quem és(?: tu)?|qual é o seu nome|você é um (?:robô|bot|humano)",
        "ability": r"o que (?:você |tu )?(?:pode|podes|sabe) fazer|(?:como )?(?:você )?pode me ajudar|ajuda",
        "thanks": r"(?:muito )?obrigad[oa]",
        "goodbye": r"adeus|tchau|até (?:logo|amanhã|breve)",
        "greeting": r"olá|oi+|bom dia|boa (?:tarde|noite)|tudo bem|como (?:vai|está)(?: você)?",
        "consent": r"tá bom|perfeito|entendi",
        "filler": r"a todos|pela ajuda|por tudo|sim|não|por favor",
    },
    "nl": {
        "identity": r"wie ben (?:je|jij)|wie bent u|hoe heet (?:je|jij|u)"
        r"|ben (?:je|jij) een (?:robot|bot|mens)",
        "ability": r"wat (?:kun je|kun jij|kunt u)(?: allemaal)?(?: doen)?"
        r"|(?:kun je|kunt u) (?:me|mij) helpen",
        "thanks": r"dank (?:je|u)(?: wel)?|bedankt|dankjewel|dankuwel",
        "goodbye": r"tot (?:ziens|straks|morgen|later)|doei|fijne (?:dag|avond)(?: nog)?",
        "greeting": r"hoi|goede ?(?:morgen|middag|navond|avond)|hoe gaat het(?: met (?:je|jou|u))?",
        "consent": r"begrepen|in orde|oké",
        "filler": r"allemaal|voor (?:je|uw) hulp|alsjeblieft|alstublieft|en|ja|nee",
    },
}

# What is said, by language and kind; {titles} is the sentence of TITLES_SAID, or nothing.
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "identity": "I am a program that answers questions from documents and shows where each answer "
        "stands.",
        "ability": "I answer questions from the documents here and show where each answer stands. "
        "Where they do not say, I tell you so.{titles}",
        "thanks": "You are welcome. Ask on whenever you like.",
        "goodbye": "Goodbye.",
        "greeting": "Hello. Ask me a question about the documents.",
        "consent": "Good. Ask on whenever you like.",
    },
    "de": {
        "identity": "Ich bin ein Programm, das Fragen aus Dokumenten beantwortet und zeigt, wo jede "
        "Antwort steht.",
        "ability": "Ich beantworte Fragen aus den Dokumenten hier und zeige, wo jede Antwort steht. "
        "Wo sie nichts sagen, sage ich das.{titles}",
        "thanks": "Gern geschehen. Fragen Sie jederzeit weiter.",
        "goodbye": "Auf Wiedersehen.",
        "greeting": "Guten Tag. Stellen Sie mir eine Frage zu den Dokumenten.",
        "consent": "Gut. Fragen Sie jederzeit weiter.",
    },
    "fr": {
        "identity": "Je suis un programme qui répond à partir de documents et montre d’où vient chaque "
        "réponse.",
        "ability": "Je réponds à partir des documents et je montre d’où vient chaque réponse. "
        "S’ils ne disent rien, je vous le dis.{titles}",
        "thanks": "Je vous en prie. Posez d’autres questions quand vous voulez.",
        "goodbye": "Au revoir.",
        "greeting": "Bonjour. Posez-moi une question sur les documents.",
        "consent": "Bien. Posez d’autres questions quand vous voulez.",
    },
    "es": {
        "identity": "Soy un programa que responde a partir de documentos y muestra dónde está cada "
        "respuesta.",
        "ability": "Respondo a partir de los documentos y muestro dónde está cada respuesta. "
        "Si no dicen nada, lo digo.{titles}",
        "thanks": "De nada. Pregunte cuando quiera.",
        "goodbye": "Adiós.",
        "greeting": "Hola. Hágame una pregunta sobre los documentos.",
        "consent": "Bien. Pregunte cuando quiera.",
    },
    "it": {
        "identity": "Sono un programma che risponde dai documenti e mostra dove si trova ogni risposta.",
        "ability": "Rispondo dai documenti e mostro dove si trova ogni risposta. "
        "Se non dicono nulla, lo dico.{titles}",
        "thanks": "Prego. Chieda pure quando vuole.",
        "goodbye": "Arrivederci.",
        "greeting": "Buongiorno. Mi faccia una domanda sui documenti.",
        "consent": "Bene. Chieda pure quando vuole.",
    },
    "pt": {
        "identity": "Sou um programa que responde a partir de documentos e mostra onde está cada resposta.",
        "ability": "Respondo a partir dos documentos e mostro onde está cada resposta. "
        "Se eles não dizem nada, eu aviso.{titles}",
        "thanks": "De nada. Pergunte quando quiser.",
        "goodbye": "Até logo.",
        "greeting": "Olá. Faça-me uma pergunta sobre os documentos.",
        "consent": "Está bem. Pergunte quando quiser.",
    },
    "nl": {
        "identity": "Ik ben een programma dat uit documenten antwoordt en laat zien waar elk antwoord staat.",
        "ability": "Ik antwoord uit de documenten en laat zien waar elk antwoord staat. "
        "Staat iets er niet in, dan zeg ik dat.{titles}",
        "thanks": "Graag gedaan. Vraag gerust verder.",
        "goodbye": "Tot ziens.",
        "greeting": "Hallo. Stel me een vraag over de documenten.",
        "consent": "Goed. Vraag gerust verder.",
    },
}
TITLES_SAID: Mapping[str, str] = {
    "en": " The documents include {}.",
    "de": " Zu den Dokumenten gehören {}.",
    "fr": " Parmi les documents : {}.",
    "es": " Entre los documentos están {}.",
    "it": " Tra i documenti ci sono {}.",
    "pt": " Entre os documentos estão {}.",
    "nl": " Onder de documenten zijn {}.",
}
