"""The lines that mail programs write themselves, in Dutch, German, French and English: above quotes and below texts."""

import re
from enum import Enum

_LONGEST_MARK_CHARS = 120
_LONGEST_FIELD_CHARS = 2_000


class Field(Enum):
    """What a line of a block of header fields tells."""

    NONE = 0
    FROM = 1
    DATE = 2
    TO = 3
    SUBJECT = 4
    OTHER = 5


_FIELDS = {
    Field.FROM: "from|van|von|de|expéditeur|afzender|absender",
    Field.DATE: "sent|date|verzonden|verstuurd|datum|gesendet|envoyé|envoyé le|date d'envoi|sent on",
    Field.TO: "to|aan|an|à|a|destinataire|empfänger|pour",
    Field.SUBJECT: "subject|onderwerp|betreff|objet|sujet",
    Field.OTHER: "cc|bcc|kopie|kopie \\(cc\\)|copie à|copie|reply-to|antwoord aan|antwort an|répondre à|importance|"
    "urgentie|prioriteit|priorität|wichtigkeit|attachments|bijlagen|anlagen|pièces jointes|when|where|cci|organisation",
}
_FIELD = re.compile(
    rf"[*_ ]{{0,3}}(?:{'|'.join(f'({names})' for names in _FIELDS.values())})[*_ ]{{0,3}}:[*_ ]{{0,3}}(?!//)",
    re.IGNORECASE,
)
_KINDS = tuple(_FIELDS)

_LABEL = re.compile(r"[^\W\d_][^:<>@]{1,25}:(?:\s|$)")

_DASHES = r"[-_–—=*>\s]{0,20}"
_FORWARD = re.compile(
    rf"{_DASHES}(?:"
    r"forwarded message|forwarded by .{1,60}|begin forwarded message|original message forwarded|"
    r"doorgestuurd bericht|doorgestuurde? (?:e-?)?mail|begin doorgestuurd bericht|"
    r"weitergeleitete nachricht|anfang der weitergeleiteten (?:nachricht|e-mail)|weitergeleitete mail|"
    r"message transféré|message transmis|début du message (?:transféré|réexpédié)|message réexpédié|courriel transféré"
    rf")\s?:?{_DASHES}",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"[-_–—=>\s]{0,20}(?:"
    r"original message|original appointment|oorspronkelijk bericht|origineel bericht|oorspronkelijke afspraak|"
    r"ursprüngliche (?:nachricht|mail|e-mail)|original[- ]?nachricht|originalnachricht|ursprünglicher termin|"
    r"message d['’]origine|message original|mail original|courriel original|message initial|rendez-vous d'origine"
    r")[-_–—=:\s]{1,20}",
    re.IGNORECASE,
)
_MESSAGE_OF = re.compile(r">?\s?message du \d\d?/\d\d?/\d{2,4}.{0,40}", re.IGNORECASE)
"""Orange's line above a block of header fields."""
_GROUPWISE = re.compile(r">>> .{3,100} >>>")
_RULE = re.compile(r"_{10,100}|-{20,100}")

_VERB = re.compile(
    r"\b(?:wrote|writes|schreef|geschreven|schrieb|schreibt|geschrieben|a écrit|a ecrit|écrit|écrivait|het volgende)\b",
    re.IGNORECASE,
)
_OPENER = re.compile(
    r"(?:on|op|am|le|at|den|em|il|el)\b.{0,60}\d|(?:von|from|van|de)\b.{0,80}(?:<|@)|"
    r"[\"'“„«]?[^\W\d_].{0,100}(?:wrote|writes|schreef|schrieb|hat am|heeft|écrit|ecrit|het volgende)|"
    r"\d{1,4}[-/.]\d{1,2}|.{0,60}\b20\d\d\b.{0,20}\b\d\d?[:.]\d\d|.{0,100}<[^<>\s]+@[^<>\s]+>",
    re.IGNORECASE,
)
_ADDRESS_AT_END = re.compile(r"@[^\s<>]{1,100}>?\s?:")
_TIME = re.compile(r"\b\d{1,2}[:.h]\d{2}\b")
_YEAR = re.compile(r"\b20\d\d\b|\b\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b")
_SENTENCE = re.compile(r"[!?] ")

_DEVICES = (
    r"(?:sent|verstuurd|verzonden|gesendet|envoyé|envoyée|composed|written|geschreven|geschrieben) "
    r"(?:from|via|using|with|on|vanaf|vanuit|van|met|op|von|vom|mit|aus|über|auf|unterwegs|"
    r"de|depuis|avec|à partir|par|grâce)\b"
    r"(?:[^:?!]|://){1,100}",
    r"(?:diese (?:nachricht|e-mail|mail) wurde )?(?:von|vom|mit) (?:meine[mr]|meinem|unterwegs|der|dem)\b[^:?!]{0,70} "
    r"(?:gesendet|gesendet\.|verschickt|geschickt)\.?",
    r"(?:get|download|download de|obtenir|télécharger|téléchargez|beziehen sie|holen sie sich|laden sie) .{0,10}"
    r"(?:outlook|gmail|yahoo|bluemail)\b.{0,60}",
    r"outlook (?:voor|für|for|pour) .{2,30}(?:downloaden|beziehen|herunterladen|laden|ophalen)",
    r"(?:provenance|von|from|van) ?: ?(?:courrier|mail|e-mail) (?:pour|für|for|voor) windows.{0,20}",
    r"(?:virus-free|virusvrij|virenfrei|sans virus|garanti sans virus)\b.{0,60}",
    r"(?:envoyé|sent|verzonden|verstuurd|gesendet) (?:from mobile|mobiel|unterwegs)\.?",
)
_DEVICE = re.compile("|".join(f"(?:{one})" for one in _DEVICES), re.IGNORECASE)
_LINK = re.compile(r"\s?\(→ [^()]{1,110}\)|<https?://[^\s<>]{1,200}>")
_OWN_MACHINE = re.compile(
    r"phone|ipad|ipod|galaxy|samsung|android|mobi|handy|tablet|telefoo?n|téléphone|smartphone|outlook|\bmail\b|gmail|yahoo|"
    r"proton|thunderbird|appareil|toestel|gerät|device|gmx|web\.de|huawei|xiaomi|redmi|oneplus|pixel|motorola|"
    r"nokia|sony|fairphone|blackberry|windows|\bmac\b|macbook|freenet|t-online|ziggo|kpn|orange|\bfree\b|sfr|laposte|"
    r"tutanota|\btuta\b|spark|bluemail|k-9|fairemail|aquamail|edison|posteo|mailbox\.org|zimbra|roundcube|icloud|virus|avast|avg|"
    r"messagerie|unterwegs|webmail",
    re.IGNORECASE,
)


def plain(line: str) -> str:
    """The line as it is compared: with usual spaces, and none around it."""
    return " ".join(line.split())[:_LONGEST_FIELD_CHARS]


def field_of(line: str) -> Field:
    """Which header field the line tells, in a block such as Outlook's."""
    found = _FIELD.match(line)
    return _KINDS[(found.lastindex or 1) - 1] if found else Field.NONE


def is_other_label(line: str) -> bool:
    """Whether the line is a field of a form, such as "Phone: 1", and not one of a mail's header fields."""
    return _LABEL.match(line) is not None and field_of(line) is Field.NONE


def is_forward(line: str) -> bool:
    """Whether a forwarded message begins below the line."""
    return len(line) <= _LONGEST_MARK_CHARS and _FORWARD.fullmatch(line) is not None


def is_original(line: str) -> bool:
    """Whether the line says that the message that is answered is below it."""
    if len(line) > _LONGEST_MARK_CHARS or not line:
        return False
    is_named = line[0] in "-_–—=>" and _ORIGINAL.fullmatch(line) is not None
    return is_named or _MESSAGE_OF.fullmatch(line) is not None or _GROUPWISE.fullmatch(line) is not None


def is_rule(line: str) -> bool:
    """Whether the line is one that Outlook draws above a block of header fields."""
    return _RULE.fullmatch(line) is not None


def is_device(line: str) -> bool:
    """Whether a telephone or a mail program wrote the line about itself."""
    text = _LINK.sub("", line).strip("-–—_* ")
    if not 8 <= len(text) <= _LONGEST_MARK_CHARS or _DEVICE.fullmatch(text) is None:
        return False
    return _OWN_MACHINE.search(text) is not None


def begins_attribution(line: str) -> bool:
    """Whether "On … wrote:" may begin with the line."""
    return bool(line) and len(line) <= 300 and _OPENER.match(line) is not None


def is_attribution(text: str, is_marked: bool) -> bool:
    """Whether the lines, which end with a colon, say who wrote what is below. `is_marked`: `>` follows."""
    if _SENTENCE.search(text):
        return False
    has_year, has_time = _YEAR.search(text) is not None, _TIME.search(text) is not None
    if _VERB.search(text):
        return is_marked or (has_year and (has_time or "@" in text))
    return is_marked and has_year and has_time and _ADDRESS_AT_END.search(text) is not None
