"""What people write to a repair café in four languages, and what their mail programs write around it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """A question and what it answers to, and a language's words of mail programs."""

    language: str
    hello: str
    question: str
    bye: str
    old: str
    """What the café had written before."""
    old_more: str
    labels: tuple[str, str, str, str]
    """From, sent, to, subject, as Outlook writes them."""
    gmail: str
    apple: tuple[str, ...]
    thunderbird: str
    webmail: str
    device: str
    outlook_app: str
    original: str
    forwarded: str
    apple_forwarded: str
    forward_prefix: str
    reply_prefix: str
    absent: str
    undelivered: str

    @property
    def said(self) -> str:
        """The new text, in lines."""
        return f"{self.hello}\n\n{self.question}\n\n{self.bye}\nJo"

    @property
    def block(self) -> str:
        """Outlook's block above what it quotes."""
        values = (
            "Repair Café <info@klinker.example>",
            "dinsdag 24 november 2026 15:04",
            "Jo <jo@example.org>",
            "Vraag",
        )
        return "\n".join(f"{label} {value}" for label, value in zip(self.labels, values, strict=True))


NL = Words(
    "nl",
    "Hallo,",
    "Mijn koffiezetapparaat lekt. Mag ik er zaterdag mee langskomen, of moet ik eerst een afspraak maken?",
    "Met vriendelijke groet,",
    "Wij zijn open vanaf half twee in het buurthuis.",
    "Een afspraak is daarvoor niet nodig.",
    ("Van:", "Verzonden:", "Aan:", "Onderwerp:"),
    "Op di 24 nov 2026 om 15:04 schreef Repair Café <info@klinker.example>:",
    ("Op 24 nov 2026, om 15:04 heeft Repair Café <info@klinker.example>", "het volgende geschreven:"),
    "Op 24-11-2026 om 15:04 schreef Repair Café:",
    "Repair Café <info@klinker.example> schreef op 24-11-2026 15:04 CET:",
    "Verstuurd vanaf mijn iPhone",
    "Outlook voor iOS downloaden",
    "-------- Oorspronkelijk bericht --------",
    "---------- Doorgestuurd bericht ---------",
    "Begin doorgestuurd bericht:",
    "Doorst:",
    "Antw:",
    "Automatisch antwoord: Repair Café",
    "Onbestelbaar: Repair Café",
)
DE = Words(
    "de",
    "Guten Tag,",
    "Mein Pedelec lädt nicht mehr und die Mikrowelle brummt. Können Sie sich beides am Samstag ansehen?",
    "Mit freundlichen Grüßen",
    "Wir haben ab halb zwei im Bürgerhaus geöffnet.",
    "Eine Anmeldung ist dafür nicht nötig.",
    ("Von:", "Gesendet:", "An:", "Betreff:"),
    "Am Di., 24. Nov. 2026 um 15:04 Uhr schrieb Repair Café <info@klinker.example>:",
    ("Am 24.11.2026 um 15:04 schrieb Repair Café", "<info@klinker.example>:"),
    "Am 24.11.26 um 15:04 schrieb Repair Café:",
    "Repair Café <info@klinker.example> hat am 24.11.2026 15:04 CET geschrieben:",
    "Von meinem iPhone gesendet",
    "Outlook für iOS beziehen",
    "-------- Ursprüngliche Nachricht --------",
    "---------- Weitergeleitete Nachricht ---------",
    "Anfang der weitergeleiteten Nachricht:",
    "WG:",
    "AW:",
    "Automatische Antwort: Repair Café",
    "Unzustellbar: Repair Café",
)
FR = Words(
    "fr",
    "Bonjour,",
    "Faut-il s’inscrire avant de venir, combien dois-je payer pour la réparation, et où peut-on se garer ?",
    "Bien cordialement,",
    "Nous sommes ouverts dès treize heures trente à la maison de quartier.",
    "Il ne faut pas de rendez-vous pour cela.",
    ("De :", "Envoyé :", "À :", "Objet :"),
    "Le mar. 24 nov. 2026 à 15:04, Repair Café <info@klinker.example> a écrit :",
    ("Le 24 nov. 2026 à 15:04, Repair Café <info@klinker.example> a", "écrit :"),
    "Le 24/11/2026 à 15:04, Repair Café a écrit :",
    "Repair Café <info@klinker.example> a écrit le 24/11/2026 15:04 :",
    "Envoyé de mon iPhone",
    "Télécharger Outlook pour iOS",
    "-------- Message d'origine --------",
    "---------- Message transféré ---------",
    "Début du message transféré :",
    "TR:",
    "RE:",
    "Réponse automatique : Repair Café",
    "Non remis : Repair Café",
)
EN = Words(
    "en",
    "Hello,",
    "I used to service hi-fi and would like to help. When should I be there, and do I need to register?",
    "Kind regards,",
    "We are open from half past one at the community centre.",
    "You do not need an appointment for that.",
    ("From:", "Sent:", "To:", "Subject:"),
    "On Tue, 24 Nov 2026 at 15:04, Repair Café <info@klinker.example> wrote:",
    ("On 24 Nov 2026, at 15:04, Repair Café", "<info@klinker.example>", "wrote:"),
    "On 24/11/2026 15:04, Repair Café wrote:",
    "Repair Café <info@klinker.example> wrote on 24/11/2026 15:04 CET:",
    "Sent from my iPhone",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "-----Original Message-----",
    "---------- Forwarded message ---------",
    "Begin forwarded message:",
    "FW:",
    "RE:",
    "Automatic reply: Repair Café",
    "Undeliverable: Repair Café",
)
LANGUAGES = (NL, DE, FR, EN)
