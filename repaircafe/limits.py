"""Every limit of time and size: what is promised, what has to fit into it, and why each is as long as it is.

Times are in seconds unless a name says otherwise. The sums at the end are checked when the app starts.
"""

from datetime import timedelta

HEALTH_PROMISE_S = 2.0
"""`/health` answers within it, whatever breaks."""
TEST_PROMISE_S = 5.0
"""A test of a connection answers within it, whatever breaks."""

# Secrets in .env

MIN_OPERATOR_PASSWORD_CHARS = 12
"""Characters. It is guessed at from the whole Wi-Fi, at the pace that web/throttle.py allows."""
MIN_SECRET_CHARS = 8
"""Characters. A shorter value would turn up by chance in every log line that it has to be struck out of."""
MIN_KEY_CHARS = 32

# Neighbours

RESOLVE_LIMIT_S = 2.0
"""A resolver on the LAN answers within milliseconds."""
MAX_ANSWER_BYTES = 1_000_000
"""Bytes. A list of a hundred models is some 50 kB."""
CONNECT_LIMIT_S = 2.0
"""For each of its addresses. A neighbour on the LAN accepts within milliseconds; two seconds forgive one lost packet
(RFC 6298, section 2.1)."""

# Database

STATEMENT_LIMIT_S = 5.0
"""A page's longest statement. Ours take milliseconds; past this the server is stuck or the network gone."""
MONITOR_LIMIT_S = 1.0
"""A health check's longest statement."""
FIRST_RETRY_S = 0.2
MAX_RETRY_S = 5.0
MIGRATION_LIMIT_S = 600.0
"""A migration's longest statement, or wait for another host's migration, on a slow SD card."""
UPGRADE_LIMIT_S = 3600.0
"""A whole upgrade: a backup and the migrations, on a slow SD card. systemd is asked for as much."""
LOCK_WAIT_LIMIT_S = 2.0
"""For another thread that is about to connect: else each of many would wait for all before it."""
PROGRAM_LIMIT_S = 1800.0
"""The longest run of one program, and the longest statement of ours: a large database on a slow SD card."""

# Requests

MAX_REQUEST_BYTES = 256 * 1024
"""Bytes. All settings at their longest are some 10 kB."""
RETRY_AFTER_S = 5
OPENAPI_KEPT_S = 3600
"""How long a client may keep the document before it asks whether it has changed."""
MAX_SIGN_IN = timedelta(hours=12)
"""An afternoon with its preparation; a tablet that is left behind is nobody's the next day."""
SIGN_INS_FRESH_S = 1.0
SIGN_INS_READ_LIMIT_S = 0.3
"""How long a page waits for the sign-ins before the last known ones do; a read takes milliseconds."""

# Start, systemd and slow visitors

BACKGROUND_ROUND_S = 3600.0
START_ATTEMPT_S = 60.0
"""What systemd is asked for at each attempt: longer than an attempt and the pause after it, at the longest settings."""
WATCHDOG_MAX_PAUSE_S = 10.0
"""Between two questions: what `systemctl status` says is at most about as old."""
RECEIVE_LIMIT_S = 10.0
"""From a request's first byte to its last: line, headers and form."""
SEND_LIMIT_S = 10.0
"""For one piece of an answer to be taken; a page is one piece, a stream is many."""
LINGER_S = 0.5
"""After the last answer, for the visitor to hang up."""

# Settings

MAX_URL_CHARS = 2_000
MAX_LINE_CHARS = 300
MAX_MODEL_CHARS = 200
MAX_OFFERING_CHARS = 60
MAX_OFFERINGS_COUNT = 40
MAX_NOTES_CHARS = 3_000
"""Characters: some 900 tokens of the model's 4,096, which the conversation has to fit into as well."""
SETTINGS_FRESH_S = 1.0
SETTINGS_READ_LIMIT_S = 0.4
"""How long anybody waits for the settings before the last known ones do; a read takes milliseconds."""

# Language models

FIRST_TOKEN_LIMIT_S = 300.0
"""From the question to the first word: loading a model from an SD card takes minutes, and so does a long history."""
IDLE_LIMIT_S = 60.0
"""Between two words. A Pi makes two to six a second; the whole answer may take as long as it takes."""
PULL_IDLE_LIMIT_S = 300.0
"""Between two signs of a download: verifying the checksum of 5 GB on an SD card shows none for minutes."""
MAX_REPLY_TOKENS = 1_024
"""Some 700 words, five minutes on a Pi: a model that has lost its thread repeats itself without end."""
MAX_REPLY_CHARS = 4_000_000
"""Characters, whatever the server takes for a token."""
MAX_FILE_BYTES = 10**15
"""Bytes of a file of a model: what claims to be larger is nonsense, which PostgreSQL's bigint might not hold."""
TRIAL_LOOK_S = 1.0
"""Between two looks at the settings."""
TRIAL_START_LIMIT_S = 60.0
"""Until the child listens: one to three seconds on a desktop, more from a slow SD card."""
TRIAL_FIRST_PAUSE_S = 2.0
"""Before the child is started again: whoever opens a page then can read why it does not answer. The pause doubles with
each failure in a row."""
TRIAL_MAX_PAUSE_S = 60.0
TRIAL_STEADY_S = 5.0
"""A child that listened for less counts as a failure."""
TRIAL_MAX_FAILURES_COUNT = 3
"""After so many in a row the model is called failing, and no longer starting."""
TRIAL_STOP_LIMIT_S = 5.0
TRIAL_CONTEXT_TOKENS = 4_096
"""What `chat/prompt.py` counts on."""

# Health

SLOW_MS = 500.0
"""A database that needs longer for a trivial query makes every page slow."""
CHECK_EXCHANGE_LIMIT_S = 1.0
"""All HTTP of one health check together."""
TEST_EXCHANGE_LIMIT_S = 3.2
"""All steps of one connection test together, up to the last HTTP answer."""
HEALTH_LIMIT_S = 1.5
"""How long `/health` waits for its checks; the rest of its promise is left to a busy machine."""
TEST_LIMIT_S = 3.5
"""How long the steps of a test may take."""
GLANCE_S = 0.15
"""How long a page waits for a banner that is fresh rather than last known."""
ERROR_WINDOW_S = 300

# Backups

MAX_DATABASE_NAME_CHARS = 63
"""Bytes: NAMEDATALEN less one, PostgreSQL manual, 'Identifiers and Key Words'."""
SESSIONS_END_S = 30.0
"""How long other sessions may take to end; PostgreSQL rolls back what they have not committed."""
RESTORE_LOCK_LIMIT_S = 10.0
"""How long we wait for the tables of the live database; nobody else should be there any more."""

# Chat

MAX_MESSAGE_CHARS = 4_000
"""Characters of a visitor's message."""
MAX_QUEUE_COUNT = 60
"""Replies under way, past which visitors are sent away: the last of them would wait for an hour. Whoever floods the
queue from many addresses keeps others out of it, but fills no disk."""
QUEUE_WAIT_S = 60
"""Seconds after which a place may have become free."""
MAX_TITLE_CHARS = 80
"""Characters of a question that stands for its conversation in a list."""
MAX_MARKDOWN_CHARS = 10_000
"""Characters that are looked at for Markdown; twice the longest reply that a model is asked for. It bounds the time,
whatever the text: a server that does not count tokens can send a megabyte."""
PRUNE_LIMIT_S = 600.0
"""The longest removal: the first one of years, on a slow SD card. A page's limit would make it fail every night."""
PROMPT_CONTEXT_TOKENS = 4_096
"""What Ollama gives a model on a machine without a large graphics card ('Context length' of its documentation)."""
MAX_LISTED_COUNT = 60
"""Earlier conversations on one page; more are found by searching."""
MAX_STRETCH_BYTES = 40_000
"""Bytes of a conversation on one page, which stays below 100 kB with the longest question, scripts and styles. What was
said before is a press away."""
REPLY_WATCH_S = 0.25
"""Between two looks at the queue while a reply of this process is under way; what happens in this process wakes it."""
REPLY_FLUSH_S = 0.5
"""Between two stores of a growing reply, each of which an SD card wears out by."""
REPLY_ASK_LIMIT_S = 30.0
"""For the server to say what it is, before the question."""
LOADING_PAUSE_S = 1.0
REPLY_AFTER_FAULT_S = 5.0
REPLY_CLOSE_LIMIT_S = 5.0
GROWTH_WAIT_S = 1.0
"""How long a page's question for more is held until there is some; the page shows the seconds that pass."""

# Downloads

DOWNLOAD_STORE_S = 1.0
"""Between two stores of how far it is, and two looks whether somebody pressed Cancel: a page asks once a second."""
DOWNLOAD_SPEED_S = 10.0
"""What the speed is averaged over: less, and the time that is left jumps."""
DOWNLOAD_ASK_LIMIT_S = 30.0
"""For the server to say what it is, before the download."""
MODELS_LIMIT_S = 3.0
"""All HTTP of a list of models together."""
MODELS_WAIT_S = 4.0
"""How long a page waits for it, the resolution of the server's name included."""
DOWNLOAD_AFTER_FAULT_S = 5.0
DOWNLOAD_STOP_LIMIT_S = 2.0
"""For the connection to be closed before the end is stored; the resolution of a name alone cannot be broken off."""
DOWNLOAD_CLOSE_LIMIT_S = 5.0

# What has to fit into what. A wrong sum ends the start, not a promise.


def _fits(what_s: float, into_s: float) -> None:
    if what_s > into_s:
        raise ValueError(f"{what_s} s do not fit into {into_s} s")


_fits(SETTINGS_READ_LIMIT_S + CHECK_EXCHANGE_LIMIT_S, HEALTH_LIMIT_S)  # the check of the language model
_fits(MONITOR_LIMIT_S, HEALTH_LIMIT_S)  # the check of the database
_fits(SIGN_INS_READ_LIMIT_S + HEALTH_LIMIT_S, HEALTH_PROMISE_S)  # who asks is looked up first
_fits(TEST_EXCHANGE_LIMIT_S, TEST_LIMIT_S)
# While the database is away: the sign-ins and the settings are waited for before the test, and its result after it.
_fits(SIGN_INS_READ_LIMIT_S + SETTINGS_READ_LIMIT_S + TEST_LIMIT_S + SETTINGS_READ_LIMIT_S, TEST_PROMISE_S)
_fits(MODELS_LIMIT_S, MODELS_WAIT_S)
_fits(GLANCE_S, HEALTH_LIMIT_S)
