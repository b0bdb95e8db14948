"""The explanations of the reasons for which the language model does not work."""

from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.commands import RELOAD
from repaircafe.neighbours.explanations import Explanation, NeighbourWords
from repaircafe.neighbours.report import Reason

_SETTINGS = ("config.show", _l("Open the settings"))
_MODELS = ("downloads.show", _l("Open the models"))
_START_OLLAMA = _l(
    "On the computer with that address, start Ollama (sudo docker start repaircafe-ollama) or "
    "the llama.cpp server; then press Test."
)
_RESTART_OLLAMA = _l(
    "On the computer with that address, check its log (sudo docker logs --tail 50 repaircafe-"
    "ollama) or restart it (sudo docker restart repaircafe-ollama); then press Test."
)

_EXPLANATIONS = {
    Reason.NOT_SET: Explanation(
        _l("No language model is set up."), _l("Enter its address in the settings and press Test."), *_SETTINGS
    ),
    Reason.BAD_ADDRESS: Explanation(
        _l("The address of the language model is not valid."),
        _l("Enter an address such as http://127.0.0.1:11434"),
        *_SETTINGS,
    ),
    Reason.DNS: Explanation(
        _l("The name of the language model's computer is not known."),
        _l("Check the spelling of the address, or enter the computer's IP address."),
        *_SETTINGS,
    ),
    Reason.REFUSED: Explanation(_l("The language model is not running."), _START_OLLAMA, *_SETTINGS),
    Reason.SLOW: Explanation(
        _l("The language model is in memory, but has not answered yet: it is busy with another question, or slow."),
        _l("Wait until it has answered that one, then test again."),
    ),
    Reason.LOADING: Explanation(
        _l("The language model is loading."), _l("Wait: on a Raspberry Pi this can take a few minutes.")
    ),
    Reason.TRIAL_STARTING: Explanation(
        _l("The trial's own small model is starting."),
        _l("Wait a few seconds: it starts by itself."),
    ),
    Reason.TRIAL_FAILING: Explanation(
        _l("The trial's own small model does not start."),
        _l("The file .data/model/server.log says why. Choose a real model in the settings."),
        *_SETTINGS,
    ),
    Reason.MODEL_MISSING: Explanation(
        _l("The chosen model is not installed."),
        _l("Choose one of the installed models, or download it in the settings."),
        *_SETTINGS,
    ),
    Reason.MODEL_NOT_CHOSEN: Explanation(
        _l("No model is chosen."), _l("Choose one of the installed models in the settings."), *_SETTINGS
    ),
    Reason.NO_MODEL: Explanation(
        _l("No model is installed yet."),
        _l(
            "Download one in the settings, below “Models”; the first in the list is the fastest. A "
            "llama.cpp server is started with its model: llama-server -m FILE."
        ),
        *_SETTINGS,
    ),
    Reason.TOO_BIG: Explanation(
        _l("This model is too big for this computer's memory."),
        _l("Choose a smaller one in the settings: the models below “To download” fit into 8 GB, the smallest first."),
        *_SETTINGS,
    ),
    Reason.MODEL_DAMAGED: Explanation(
        _l("The model's file is damaged."),
        _l(
            "Remove it and download it again with the button in the settings. If this happens again, "
            "the SD card or disk may be failing."
        ),
        *_MODELS,
    ),
    Reason.CANNOT_CHAT: Explanation(
        _l("This model cannot chat: it makes embeddings, or its file is damaged."),
        _l("Choose another model. If this one could chat before, remove it and download it again."),
        *_MODELS,
    ),
    Reason.CLOUD_MODEL: Explanation(
        _l("This model does not run in the building: Ollama passes its questions on to ollama.com."),
        _l("Choose a model whose name does not end in cloud."),
        *_SETTINGS,
    ),
    Reason.RUNNER_DIED: Explanation(
        _l("The language model stopped while it was working."),
        _l("Ask again: it starts by itself. If this happens again, choose a smaller model."),
    ),
    Reason.SERVER_BUSY: Explanation(
        _l("The language model's server has too many questions at the same time."),
        _l("Wait a minute, then ask again."),
    ),
    Reason.SERVER_TOO_OLD: Explanation(
        _l("This model needs a newer Ollama."),
        _l(
            "If deploy/install set up Ollama, upgrade the app: it brings a newer Ollama. If not, "
            "install Ollama again from ollama.com/download. Or choose another model."
        ),
    ),
    Reason.CLOCK_WRONG: Explanation(
        _l("The clock of the language model's computer is wrong, so it trusts no secure connection."),
        _l("Connect it to the internet, or set its clock: sudo date -s '2026-12-05 14:00'. Then try again."),
    ),
    Reason.KEY_WANTED: Explanation(
        _l("The language model's server wants a key, or does not accept ours."),
        _l(
            "Put the key into .env as LLM_API_KEY, then: %(reload)s. For a "
            "llama.cpp server, it is the value of its option --api-key.",
            reload=RELOAD,
        ),
    ),
    Reason.REDIRECTED: Explanation(
        _l("The address of the language model redirects us, and we do not follow."),
        _l("Enter the address of the model's server itself."),
        *_SETTINGS,
    ),
    Reason.BAD_ANSWER: Explanation(
        _l("Another program answers at that address, neither Ollama nor a llama.cpp server."),
        _l("Check the port: Ollama's is 11434, llama.cpp's is 8080."),
        *_SETTINGS,
    ),
    Reason.NOT_OFFERED: Explanation(
        _l("This server cannot download models."),
        _l("A llama.cpp server is started with its model: llama-server -m FILE."),
    ),
    Reason.DISK_FULL: Explanation(
        _l("The disk is too full for this model."),
        _l(
            "Choose a smaller model, or make room by removing one that nobody uses:"
            " sudo docker exec repaircafe-ollama ollama rm MODEL"
        ),
    ),
    Reason.NO_SUCH_MODEL: Explanation(
        _l("There is no model with that name to download."),
        _l("Check the spelling, including the part after the colon; ollama.com/library lists all models."),
    ),
    Reason.OFFLINE: Explanation(
        _l("The language model's server cannot reach the internet."),
        _l("Only downloading a model needs the internet: connect, for example through a phone, and try again."),
    ),
    Reason.DOWNLOAD_CUT: Explanation(
        _l("The download was interrupted."), _l("Try again: it continues where it stopped.")
    ),
    Reason.DOWNLOAD_DAMAGED: Explanation(
        _l("The download arrived damaged."),
        _l("Try again: it starts from the beginning. If this happens again, the SD card or disk may be failing."),
    ),
    Reason.LENGTH: Explanation(
        _l("The reply has reached the maximum length."), _l("Ask the model to continue where it stopped.")
    ),
    Reason.REPEATS: Explanation(
        _l("The language model repeated itself and was stopped."), _l("Ask again in other words.")
    ),
    Reason.NO_TEXT: Explanation(
        _l("The language model ended its reply without a word."),
        _l("Choose another model. If this one always thinks first, allow it to think in its server's settings."),
        *_SETTINGS,
    ),
    Reason.THINKS_TOO_LONG: Explanation(
        _l("The language model thinks too long: it reached the maximum length before the first word of its reply."),
        _l("Choose another model that does not think first."),
        *_SETTINGS,
    ),
    Reason.TOO_LONG: Explanation(
        _l("This is too long for this language model."),
        _l("Ask with fewer words, or start a new conversation."),
    ),
    Reason.FACTS_TOO_LONG: Explanation(
        _l("“What the assistant should know” in the settings is too long for this language model."),
        _l("Shorten that text, or choose a model with a larger context."),
        *_SETTINGS,
    ),
    Reason.CUT_OFF: Explanation(
        _l("The language model broke off in the middle of its reply."),
        _l("Ask again. If this happens again, the computer may have too little memory: choose a smaller model."),
    ),
}

WORDS = NeighbourWords(
    name=_l("Language model"),
    subject=_l("The language model"),
    still_works=_l("Everything else works. Questions in the chat are kept, and can be asked again."),
    restart=_RESTART_OLLAMA,
    explanations=_EXPLANATIONS,
)
"""What every page and command says about the language model."""
