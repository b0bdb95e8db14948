"""Every limit of time and size: what we promise, what must fit into that, and why each limit is as long as it is.

Times are in seconds, unless a name says otherwise. The app checks the sums at the end when it starts.
"""

from datetime import timedelta

HEALTH_PROMISE_S = 2.0
"""`/health` answers within this time, whatever breaks."""
TEST_PROMISE_S = 5.0
"""A test of a connection answers within this time, whatever breaks."""

# Secrets in .env

MIN_OPERATOR_PASSWORD_CHARS = 12
"""Characters. Everybody on the Wi-Fi can try passwords, at the pace that web/throttle.py allows."""
MIN_DISTINCT_CHARS_COUNT = 5
"""Different characters in a password that is chosen in a page."""
MIN_SECRET_CHARS = 8
"""Characters. A shorter value would appear in log lines by chance, and would be redacted there."""
MIN_KEY_CHARS = 32

# Neighbours

RESOLVE_LIMIT_S = 2.0
"""A resolver on the LAN answers within milliseconds."""
MAX_ANSWER_BYTES = 1_000_000
"""Bytes. A list of a hundred models has about 50 kB."""
CONNECT_LIMIT_S = 2.0
"""For each address of a neighbour. On the LAN it accepts within milliseconds; two seconds allow one lost packet
(RFC 6298, section 2.1)."""

# Database

STATEMENT_LIMIT_S = 5.0
"""A page's longest statement. Ours take milliseconds; after this time the server is stuck or the network is down."""
MONITOR_LIMIT_S = 1.0
"""A health check's longest statement."""
FIRST_RETRY_S = 0.2
MAX_RETRY_S = 5.0
MIGRATION_LIMIT_S = 600.0
"""A migration's longest statement, or longest wait for another host's migration, on a slow SD card."""
TABLES_WAIT_S = 0.5
"""For all tables that a migration needs; requests wait behind it meanwhile. It must be less than PostgreSQL's
deadlock_timeout, one second, after which the server ends whoever waits in a circle."""
UPGRADE_LIMIT_S = 3600.0
"""A whole upgrade: a backup and the migrations, on a slow SD card. We ask systemd for this time."""
LOCK_WAIT_LIMIT_S = 2.0
"""For another thread that is connecting. Without a limit, each of many threads would wait for all before it."""
PROGRAM_LIMIT_S = 1800.0
"""The longest run of one PostgreSQL program, and our longest statement: a large database on a slow SD card."""

# Requests

MAX_REQUEST_BYTES = 256 * 1024
"""Bytes. All settings at their longest have about 10 kB."""
RETRY_AFTER_S = 5
OPENAPI_KEPT_S = 3600
"""How long a client may use its copy of the document before it asks whether the document has changed."""
MAX_SIGN_IN = timedelta(hours=12)
"""An afternoon and its preparation; a tablet that somebody leaves behind is signed out the next day."""
HASHES_AT_ONCE_COUNT = 2
"""Passwords that are compared with a slow hash at the same time. Each needs 32 MB."""
SIGN_INS_FRESH_S = 1.0
SIGN_INS_READ_LIMIT_S = 0.3
"""How long a page waits for the sign-ins before it uses the last known ones; a read takes milliseconds."""

# Start, systemd and slow visitors

BACKGROUND_ROUND_S = 3600.0
START_ATTEMPT_S = 60.0
"""The time that we ask systemd for at each attempt: more than the longest attempt and the pause after it."""
WATCHDOG_MAX_PAUSE_S = 10.0
"""Between two requests of the watchdog. What `systemctl status` shows is at most about this old."""
RECEIVE_LIMIT_S = 10.0
"""From a request's first byte to its last: line, headers and form."""
SEND_LIMIT_S = 10.0
"""For the client to take one piece of a response; a page is one piece, a stream is many."""
LINGER_S = 0.5
"""After the last response, for the client to close the connection."""

# Settings

MAX_URL_CHARS = 2_000
MAX_LINE_CHARS = 300
MAX_NAME_CHARS = 80
MAX_PHONE_CHARS = 40
MAX_MODEL_CHARS = 200
MAX_OFFERING_CHARS = 60
MAX_OFFERINGS_COUNT = 40
MAX_NOTES_CHARS = 3_000
"""Characters: about 900 tokens of the model's 4,096. The conversation must fit into the rest."""
SETTINGS_FRESH_S = 1.0
SETTINGS_READ_LIMIT_S = 0.4
"""How long the app waits for the settings before it uses the last known ones; a read takes milliseconds."""

# What an afternoon has brought

MAX_COUNTED = 9_999
"""Visitors or things of one date. The largest published afternoon has 149 things."""
MAX_WORD_CHARS = 80
"""What a thing is, its brand, and the café's name in an export."""
MAX_SHOWN_DATES_COUNT = 60
"""Dates in the table of all; the older ones are a page for each year. Two years of a fortnightly café."""
OLDEST_THING_YEAR = 1800
MAX_SUGGESTED_COUNT = 60
"""The café's own words that the field for a thing suggests."""

# Logo

MAX_LOGO_BYTES = 200_000
MAX_LOGO_SIDE_PX = 2_048
"""Pixels: 16 MB while it is decoded."""
LOGO_PNG_BYTES = 50_000
"""How long a PNG may be as we write it: every first visit loads it, and should stay below 100 kB."""
MAX_SVG_ELEMENTS_COUNT = 2_000
MAX_SVG_DEPTH = 30

# Paper

MAX_WIFI_NAME_BYTES = 32
MIN_WIFI_PASSWORD_CHARS = 8
MAX_WIFI_PASSWORD_CHARS = 63

# Language models

FIRST_TOKEN_LIMIT_S = 300.0
"""From the question to the first word: loading a model from an SD card takes minutes, and so does a long history."""
IDLE_LIMIT_S = 60.0
"""Between two words. A Pi makes two to six a second; there is no limit for the whole reply."""
PULL_IDLE_LIMIT_S = 300.0
"""Between two lines about a download: verifying the checksum of 5 GB on an SD card sends none for minutes."""
MAX_REPLY_TOKENS = 1_024
"""About 700 words, five minutes on a Pi. Some models repeat themselves without end."""
MAX_REPLY_CHARS = 4_000_000
"""Characters: this limits a reply even if the server ignores MAX_REPLY_TOKENS."""
MAX_REASONING_CHARS = 20_000
"""Characters: several times as many as MAX_REPLY_TOKENS allow. This limits a reasoning if the server ignores them."""
LAST_EVENT_LIMIT_S = 2.0
"""From the event with the reply's end to the end of the stream, which some servers leave open, and for a question about
the reply after it."""
MAX_FILE_BYTES = 10**15
"""Bytes of one file of a model. A larger number is nonsense, and might not fit into PostgreSQL's bigint."""
TRIAL_LOOK_S = 1.0
"""Between two looks at the settings by the thread that runs the trial's model."""
TRIAL_START_LIMIT_S = 60.0
"""Until the model's process listens: one to three seconds on a desktop, more from a slow SD card."""
TRIAL_FIRST_PAUSE_S = 2.0
"""Before the process is started again: a page that is opened in this time says why the model does not answer. The pause
doubles with each failure in a row."""
TRIAL_MAX_PAUSE_S = 60.0
TRIAL_STEADY_S = 5.0
"""A process that listened for less time counts as a failure."""
TRIAL_MAX_FAILURES_COUNT = 3
"""After this many failures in a row the reason is `trial_failing`, no longer `trial_starting`."""
TRIAL_STOP_LIMIT_S = 5.0
TRIAL_CONTEXT_TOKENS = 4_096
"""The context that `writing/prompt.py` expects."""

# Health

SLOW_MS = 500.0
"""A database that needs longer for a trivial query makes every page slow."""
DATABASE_REPORT_TTL_S = 1.0
REPORT_TTL_S = 10.0
"""How long `/health` repeats what a check has found."""
CHECK_EXCHANGE_LIMIT_S = 1.0
"""All HTTP of one health check together."""
TEST_EXCHANGE_LIMIT_S = 3.2
"""All steps of one connection test together, up to the last HTTP answer."""
HEALTH_LIMIT_S = 1.5
"""How long `/health` waits for its checks; the rest of HEALTH_PROMISE_S is for a busy machine."""
TEST_LIMIT_S = 3.5
"""How long the steps of a test may take."""
GLANCE_S = 0.15
"""How long a page waits for a fresh banner before it shows the last known one."""
ERROR_WINDOW_S = 300
STRIPS_STORE_S = 3600.0
"""Between two stores of what health saw: each store wears out the SD card a little. If the whole service is killed,
at most this is lost."""
STRIPS_CLOSE_LIMIT_S = 2.0
"""How long the end of a worker waits for its last store."""
STATUS_TTL_S = 10.0
"""How long Status repeats what it read from the database and the backups; an open page asks this often."""
STATUS_READ_LIMIT_S = 0.4
"""How long Status waits for that, while the checks run, before it shows what it knows already."""
FIRST_WORDS_COUNT = 20
"""Replies whose first word counts for the median on Status."""

# Backups

MAX_DATABASE_NAME_CHARS = 63
"""Bytes: NAMEDATALEN less one, PostgreSQL manual, 'Identifiers and Key Words'."""
SESSIONS_END_S = 30.0
"""How long other sessions may take to end; PostgreSQL rolls back what they have not committed."""
RESTORE_LOCK_LIMIT_S = 10.0
"""How long we wait for the tables of the live database; nobody else should be there any more."""

# Jobs

MAX_QUEUE_COUNT = 60
"""Jobs under way that ask the model. If there are so many, a visitor cannot ask: the last reply would take an hour.
Somebody who asks from many addresses can fill the queue and keep others out, but cannot fill the disk."""
QUEUE_WAIT_S = 60
"""After this time there may be room in the queue."""
AGEING_S = 300
"""A job that waits gains one step of priority each time this passes, so that none waits for ever."""
JOB_WATCH_S = 1.0
"""Between two looks at the queue while this process has jobs under way, so that it sees what other processes did. An
event in this process causes an earlier look."""
JOB_NEWS_S = 0.25
"""The same while a part of a text is not stored yet, because the model may pause after it."""
JOB_STORE_S = 0.5
"""Between two stores of a growing text: each store wears out the SD card a little."""
PROGRESS_STORE_S = 1.0
"""The same for a progress: a page asks once a second."""
JOB_AFTER_FAULT_S = 5.0
JOB_CLOSE_LIMIT_S = 5.0
GROWTH_WAIT_S = 1.0
"""How long a page's request for more of a text waits until there is more; the page shows the seconds that pass."""

# Chat

MAX_MESSAGE_CHARS = 4_000
"""Characters of a visitor's message."""
MAX_TITLE_CHARS = 80
"""Characters of the question that is a conversation's title in a list."""
MAX_MARKDOWN_CHARS = 10_000
"""Characters that are read as Markdown: twice the longest reply that we ask a model for. This limits the time for any
text: a server that does not count tokens can send a megabyte."""
MAX_ANNOUNCEMENT_CHARS = 10_000
"""Characters of a text that the organiser edits: twice the longest that we ask a model for."""
PRUNE_LIMIT_S = 600.0
"""The longest removal of old conversations: the first one, of years, on a slow SD card. With a page's limit it would
fail every night."""
PROMPT_CONTEXT_TOKENS = 4_096
"""The context that Ollama gives a model on a machine without a large graphics card (its documentation, 'Context
length')."""
MAX_LISTED_COUNT = 60
"""Earlier conversations on one page; a search finds more."""
WARM_UP_AGAIN_S = 600.0
"""Between two readings of the same beginning of the prompt: a server's cache may have lost it by then."""
WARM_UP_LIMIT_S = 300.0
"""Of one reading: as long as a model may take to its first word."""
MAX_STRETCH_BYTES = 40_000
"""Bytes of a conversation on one page. The page stays below 100 kB with the longest question, scripts and styles. A
link shows earlier messages."""
REPLY_ASK_LIMIT_S = 30.0
"""To identify the server, before the question."""
LOADING_PAUSE_S = 1.0

# Gmail

GMAIL_IDLE_LIMIT_S = 3600.0
"""How long a connection to Google may stay open while we store what it has sent."""
GMAIL_UNITS_PER_S = 80
"""Google allows 6,000 quota units a minute, which are 100 a second ('Usage limits', for projects made since May
2026)."""
MAX_GMAIL_TRIES_COUNT = 5
"""How often a request is sent again, after 1, 2, 4, 8 and 16 seconds, while Google says that it gets too many."""
MAX_GMAIL_PAUSE_S = 60.0
"""The longest pause before another try, even if Google asks for a longer one."""
MAX_GMAIL_THREADS_COUNT = 300
MAX_GMAIL_PAGES_COUNT = 40
"""Pages of 500 changes since the last fetch. If there are more, it is quicker to look at the window again."""

# Mail

MAIL_LIMIT_S = 900.0
"""A whole fetch, with what is stored meanwhile."""
MAIL_REQUEST_LIMIT_S = 20.0
"""One question to the mail server, from its first byte to the last of the answer."""
MAIL_GOODBYE_LIMIT_S = 2.0
"""For the server to answer our LOGOUT."""
MAX_MAIL_ANSWER_BYTES = 8_000_000
MAX_MAIL_LINE_BYTES = 1_000_000
"""One line of an answer. The numbers of 100,000 messages have about 700 kB."""
MAX_MAIL_LINES_COUNT = 20_000
"""Lines of one answer. Each takes memory, however short it is."""
MAX_FETCH_COUNT = 500
"""Messages of one fetch."""
MAX_CANDIDATES_COUNT = 1_000
"""Messages of a folder whose dates are read to find the newest: a mailbox that has moved may have them in any order."""
MAX_MAIL_BYTES = 262_144
"""Bytes of a mail that are read. Texts come before attachments."""
MAIL_BATCH_BYTES = 1_000_000
"""Mails that are in memory at the same time, unless it is only one."""
MAIL_BATCH_COUNT = 25
MAIL_WINDOW_DAYS = 90
"""A fetch looks back at most so far, however long mail is kept."""
MAX_MAIL_TEXT_BYTES = 64 * 1024
"""Bytes of one mail's text."""
MAX_MAIL_STORE_BYTES = 50_000_000
"""Bytes of text of all mails together, so that an SD card has room for the rest."""
SAME_TOPIC_DAYS = 30
"""Two mails of one person about one subject are one thread within this time, if they do not say it themselves."""
MAX_MAIL_IDS_COUNT = 100
"""Other mails that one mail refers to: the first and the last ones."""
MAX_MAIL_ID_CHARS = 200
MAX_MAIL_ADDRESS_CHARS = 320
"""RFC 3696, section 3."""
MAX_MAIL_SUBJECT_CHARS = 1_000
MAX_ATTACHMENTS_COUNT = 50
MAIL_PAGE_COUNT = 50
"""Threads on one page."""
FETCHES_KEPT_DAYS = 365

# Downloads

DOWNLOAD_LOOK_S = 1.0
"""Between two looks at the free space on the disk."""
DOWNLOAD_SPEED_S = 10.0
"""The speed is an average over this time; over less, the remaining time jumps."""
DOWNLOAD_ASK_LIMIT_S = 30.0
"""To identify the server, before the download."""
MODELS_LIMIT_S = 3.0
"""All HTTP of a list of models together."""
MODELS_WAIT_S = 4.0
"""How long a page waits for this list, including the resolution of the server's name."""

# Which times must fit into which. A wrong sum stops the app when it starts, before it can break a promise.


def _fits(what_s: float, into_s: float) -> None:
    if what_s > into_s:
        raise ValueError(f"{what_s} s do not fit into {into_s} s")


_fits(SETTINGS_READ_LIMIT_S + CHECK_EXCHANGE_LIMIT_S, HEALTH_LIMIT_S)  # the check of the language model
_fits(MONITOR_LIMIT_S, HEALTH_LIMIT_S)  # the check of the database
_fits(SIGN_INS_READ_LIMIT_S + HEALTH_LIMIT_S, HEALTH_PROMISE_S)  # the sign-in is looked up first
_fits(TEST_EXCHANGE_LIMIT_S, TEST_LIMIT_S)
# While the database is unavailable: a test first waits for the sign-ins and the settings, then to store its result.
_fits(SIGN_INS_READ_LIMIT_S + SETTINGS_READ_LIMIT_S + TEST_LIMIT_S + SETTINGS_READ_LIMIT_S, TEST_PROMISE_S)
_fits(MODELS_LIMIT_S, MODELS_WAIT_S)
_fits(MAIL_REQUEST_LIMIT_S, MAIL_LIMIT_S)
_fits(GLANCE_S, HEALTH_LIMIT_S)
_fits(STATUS_READ_LIMIT_S, HEALTH_LIMIT_S)  # Status reads while its checks run
