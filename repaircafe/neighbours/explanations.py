"""What a reason means in a sentence, and what the organiser can do about it: one look-up for every page and command."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.report import Reason, Service, Text


@dataclass(frozen=True)
class Explanation:
    """A reason in words: what is away, what to do. `endpoint` is the view whose button cures it, with its label."""

    sentence: Text
    cure: Text
    endpoint: str | None = None
    button: Text = ""


SERVICE_NAMES: Mapping[Service, Text] = MappingProxyType(
    {Service.DB: _l("Database"), Service.LLM: _l("Language model"), Service.MAIL: _l("Mail")}
)

STILL_WORKS: Mapping[Service, Text] = MappingProxyType(
    {
        Service.DB: _l("The pages open and show what was last known. Nothing can be saved until it is back."),
        Service.LLM: _l("Everything else works. Questions in the chat are kept, and can be asked again."),
        Service.MAIL: _l("Everything else works: the event, the settings and the language model."),
    }
)
"""What a visitor can go on doing while a service is away."""

SERVES = frozenset({Reason.SCHEMA_NEWER, Reason.SCHEMA_DRIFT, Reason.SLOW})
"""What a database may have against it and be read and written all the same."""

_SETTINGS = ("config.show", _l("Open the settings"))
_CHECK_INTERNET = _l("Check the internet connection, then press Test.")
_START_OLLAMA = _l(
    "Start Ollama (sudo docker start repaircafe-ollama), or the llama.cpp server, on the machine of that address;"
    " then press Test."
)
_RESTART_POSTGRESQL = _l(
    "Look into its log: sudo docker logs --tail 50 repaircafe-postgres. Or start it again: sudo docker restart"
    " repaircafe-postgres. The app notices by itself. A PostgreSQL of your own has its log where it is."
)
_RESTART_OLLAMA = _l(
    "Look into its log (sudo docker logs --tail 50 repaircafe-ollama), or start it again (sudo docker restart"
    " repaircafe-ollama), on the machine of that address; then press Test."
)
_CHECK_URL = _l("Check DATABASE_URL and POSTGRES_PASSWORD in .env, then: sudo systemctl reload repaircafe")
_RENEW_TOKEN = _l(
    "Make a new refresh token, put it into .env as GMAIL_REFRESH_TOKEN; then: sudo systemctl reload repaircafe"
)

_EXPLANATIONS: Mapping[tuple[Service, Reason], Explanation] = MappingProxyType(
    {
        (Service.DB, Reason.DNS): Explanation(_l("The name of the database's machine is not known."), _CHECK_URL),
        (Service.DB, Reason.REFUSED): Explanation(
            _l("The database is not running."),
            _l(
                "Start PostgreSQL: sudo docker start repaircafe-postgres. The app notices by itself."
                " If it stops again, df -h says whether a disk is full."
                " A PostgreSQL of your own is started where it is."
            ),
        ),
        (Service.DB, Reason.AUTH_REFUSED): Explanation(_l("The database refuses our name or password."), _CHECK_URL),
        (Service.DB, Reason.DATABASE_MISSING): Explanation(
            _l("PostgreSQL runs, but has no database of that name."), _CHECK_URL
        ),
        (Service.DB, Reason.RESTORING): Explanation(
            _l("The database is being restored, or was until that was cut off."),
            _l("Wait where it goes on. Where it was cut off, restore again: repaircafe backup restore FILE"),
        ),
        (Service.DB, Reason.LOADING): Explanation(
            _l("The database is starting up."), _l("Wait a little; the app notices by itself.")
        ),
        (Service.DB, Reason.TOO_MANY_CONNECTIONS): Explanation(
            _l("The database has no connection to spare."),
            _l("Close other programs that use it, or lower DB_POOL_SIZE and DB_MAX_OVERFLOW in .env."),
        ),
        (Service.DB, Reason.BAD_ANSWER): Explanation(
            _l("What answers at the database's address is not PostgreSQL."), _CHECK_URL
        ),
        (Service.DB, Reason.NOT_MIGRATED): Explanation(
            _l("The database's tables are not those of this version."),
            _l("Restart the service: it brings them up to date. By hand: repaircafe db upgrade"),
        ),
        (Service.DB, Reason.SCHEMA_NEWER): Explanation(
            _l("The database's tables are those of a newer version."),
            _l("Install the newer version on this machine as well. This one goes on, but does not start again."),
        ),
        (Service.DB, Reason.SCHEMA_DRIFT): Explanation(
            _l("A migration script was changed after it had been applied."),
            _l("Install the released version again; the health page names the script."),
        ),
        (Service.DB, Reason.SLOW): Explanation(
            _l("The database answers slowly."), _l("Look whether the SD card is full or something else keeps it busy.")
        ),
        (Service.DB, Reason.DISK_FULL): Explanation(
            _l("The disk under the database is full."),
            _l("Make room: df -h says which disk is full. The app notices by itself."),
        ),
        (Service.DB, Reason.READ_ONLY): Explanation(
            _l("The database can be read, but takes no changes."),
            _l("Its disk may be failing: make a backup onto a USB stick now, then look into PostgreSQL's log."),
        ),
        (Service.LLM, Reason.NOT_SET): Explanation(
            _l("No language model is set up."), _l("Enter its address in the settings and press Test."), *_SETTINGS
        ),
        (Service.LLM, Reason.BAD_ADDRESS): Explanation(
            _l("The address of the language model cannot be used."),
            _l("Enter an address such as http://127.0.0.1:11434"),
            *_SETTINGS,
        ),
        (Service.LLM, Reason.DNS): Explanation(
            _l("The name of the language model's machine is not known."),
            _l("Check the spelling of the address, or enter the machine's IP address."),
            *_SETTINGS,
        ),
        (Service.LLM, Reason.REFUSED): Explanation(_l("The language model is not running."), _START_OLLAMA, *_SETTINGS),
        (Service.LLM, Reason.SLOW): Explanation(
            _l("The language model is in memory, but has not answered yet: it is busy with another question, or slow."),
            _l("Wait until it has answered that one, then test again."),
        ),
        (Service.LLM, Reason.LOADING): Explanation(
            _l("The language model is being loaded."), _l("Wait: on a Raspberry Pi this takes up to a few minutes.")
        ),
        (Service.LLM, Reason.TRIAL_STARTING): Explanation(
            _l("The trial's own small model is starting."),
            _l("Wait a few seconds: it starts by itself."),
        ),
        (Service.LLM, Reason.TRIAL_FAILING): Explanation(
            _l("The trial's own small model does not start."),
            _l("The file .data/model/server.log says why. Choose a real model in the settings."),
            *_SETTINGS,
        ),
        (Service.LLM, Reason.MODEL_MISSING): Explanation(
            _l("The chosen model is not installed."),
            _l("Choose one of the installed models, or download it in the settings."),
            *_SETTINGS,
        ),
        (Service.LLM, Reason.MODEL_NOT_CHOSEN): Explanation(
            _l("No model is chosen."), _l("Choose one of the installed models in the settings."), *_SETTINGS
        ),
        (Service.LLM, Reason.REDIRECTED): Explanation(
            _l("The address of the language model sends us elsewhere, and we do not follow."),
            _l("Enter the address of the model's server itself."),
            *_SETTINGS,
        ),
        (Service.LLM, Reason.BAD_ANSWER): Explanation(
            _l("What answers at that address is neither Ollama nor a llama.cpp server."),
            _l("Check the port: Ollama's is 11434, llama.cpp's is 8080."),
            *_SETTINGS,
        ),
        (Service.LLM, Reason.NOT_OFFERED): Explanation(
            _l("This server cannot download models."),
            _l("A llama.cpp server is started with its model: llama-server -m FILE."),
        ),
        (Service.LLM, Reason.DISK_FULL): Explanation(
            _l("The disk is too full for this model."),
            _l(
                "Choose a smaller model, or make room by removing one that nobody uses:"
                " sudo docker exec repaircafe-ollama ollama rm MODEL"
            ),
        ),
        (Service.LLM, Reason.NO_SUCH_MODEL): Explanation(
            _l("There is no model of that name to download."),
            _l("Check its spelling, with the part behind the colon; ollama.com/library lists them all."),
        ),
        (Service.LLM, Reason.OFFLINE): Explanation(
            _l("The language model's server cannot reach the internet."),
            _l("Downloading a model is the one thing that needs it: connect, for instance to a phone, and try again."),
        ),
        (Service.LLM, Reason.DOWNLOAD_CUT): Explanation(
            _l("The download broke off."), _l("Try again: it goes on with what it has.")
        ),
        (Service.LLM, Reason.LENGTH): Explanation(
            _l("The reply has reached the longest length."), _l("Ask the model to go on where it ended.")
        ),
        (Service.LLM, Reason.TOO_LONG): Explanation(
            _l("This is more text than the language model can hold at once."),
            _l("Ask with fewer words, or begin a new conversation."),
        ),
        (Service.LLM, Reason.CUT_OFF): Explanation(
            _l("The language model broke off in the middle of its answer."),
            _l("Ask again. If it happens again, the machine may be short of memory: choose a smaller model."),
        ),
        (Service.MAIL, Reason.NOT_SET): Explanation(
            _l("Mail is not set up."),
            _l("Optional: put the three GMAIL_ values into .env; then: sudo systemctl reload repaircafe"),
        ),
        (Service.MAIL, Reason.NOT_TESTED): Explanation(
            _l("Mail is set up, but has never been tested."), _l("Press Test mail in the settings."), *_SETTINGS
        ),
        (Service.MAIL, Reason.AUTH_EXPIRED): Explanation(
            _l("Google no longer accepts the refresh token."), _RENEW_TOKEN, *_SETTINGS
        ),
        (Service.MAIL, Reason.AUTH_REFUSED): Explanation(
            _l("Google refuses the client id or the client secret."),
            _l("Check GMAIL_CLIENT_ID and GMAIL_CLIENT_SECRET in .env; then: sudo systemctl reload repaircafe"),
            *_SETTINGS,
        ),
        (Service.MAIL, Reason.DNS): Explanation(_l("Google's address cannot be found."), _CHECK_INTERNET, *_SETTINGS),
        (Service.MAIL, Reason.REFUSED): Explanation(_l("Google refuses the connection."), _CHECK_INTERNET, *_SETTINGS),
        (Service.MAIL, Reason.TIMEOUT): Explanation(_l("Google does not answer in time."), _CHECK_INTERNET, *_SETTINGS),
        (Service.MAIL, Reason.RESET): Explanation(_l("Google breaks the connection off."), _CHECK_INTERNET, *_SETTINGS),
        (Service.MAIL, Reason.HTTP_ERROR): Explanation(
            _l("Google answers with an error."), _l("Wait a while, then press Test."), *_SETTINGS
        ),
    }
)


def _general(it: Text, restart: Text) -> Mapping[Reason, Explanation]:
    """What is the same of every service: `it` begins a sentence about it, `restart` is what helps a broken one."""
    return {
        Reason.UNREACHABLE: Explanation(
            _l("%(it)s cannot be reached through the network.", it=it), _l("Check cable and Wi-Fi, then test again.")
        ),
        Reason.TIMEOUT: Explanation(
            _l("%(it)s does not answer in time.", it=it),
            _l("Check that its machine is on and not overloaded, then test again."),
        ),
        Reason.RESET: Explanation(_l("%(it)s breaks the connection off.", it=it), restart),
        Reason.TLS: Explanation(
            _l("%(it)s allows no secure connection.", it=it),
            _l("Check that the address begins with the right http:// or https://."),
        ),
        Reason.HTTP_ERROR: Explanation(_l("%(it)s answers with an error.", it=it), restart),
        Reason.BAD_ANSWER: Explanation(
            _l("%(it)s answers with something we cannot read.", it=it),
            _l("Check the address; something else may be answering there."),
        ),
        Reason.TOO_LARGE: Explanation(
            _l("%(it)s sends far more than it was asked for.", it=it),
            _l("Check the address; something else may be answering there."),
        ),
        Reason.REDIRECTED: Explanation(
            _l("%(it)s sends us elsewhere, and we do not follow.", it=it), _l("Check the address, then test again.")
        ),
        Reason.NOT_CHECKED: Explanation(
            _l("It has not been looked at yet."), _l("It is being looked at; this page says more in a moment.")
        ),
        Reason.SETTINGS_UNKNOWN: Explanation(
            _l("Its settings cannot be read while the database is away."), _l("Bring the database back first.")
        ),
        Reason.BUSY: Explanation(
            _l("The test before this one is still running."), _l("Wait a few seconds, then test again.")
        ),
        Reason.INTERNAL: Explanation(
            _l("The check itself failed; the fault is ours."), _l("The log says more: journalctl -u repaircafe")
        ),
    }


_GENERAL: Mapping[Service, Mapping[Reason, Explanation]] = MappingProxyType(
    {
        Service.DB: _general(_l("The database"), _RESTART_POSTGRESQL),
        Service.LLM: _general(_l("The language model"), _RESTART_OLLAMA),
        Service.MAIL: _general("Google", _CHECK_INTERNET),
    }
)


def still_works(service: Service, reason: Reason, *, alone: bool) -> Text:
    """What a visitor can go on doing although there is something the matter with a service, `alone` or with others.

    Nothing is said where it is the others that decide.
    """
    if not alone and (service is not Service.DB or reason in SERVES):
        return ""
    if service is Service.DB and reason in SERVES:
        return _l("Everything works all the same.")
    return STILL_WORKS[service]


def explain(service: Service, reason: Reason) -> Explanation:
    """The sentence and the cure for a service's reason. Every reason has one, for every service."""
    general = _GENERAL[service]
    return _EXPLANATIONS.get((service, reason)) or general.get(reason) or general[Reason.INTERNAL]
