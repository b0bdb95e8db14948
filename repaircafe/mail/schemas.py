"""The JSON of `/api/mail`, and of the commands about mail."""

import uuid
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from repaircafe.mail.models import Fetch, ThreadState
from repaircafe.neighbours.report import Reason
from repaircafe.web.schemas import Moment
from repaircafe.work.models import State

_Flag = Annotated[bool, BeforeValidator(bool)]


class NoValues(BaseModel):
    """An empty object: there is nothing to say."""

    model_config = ConfigDict(extra="forbid")


class Attachment(BaseModel, from_attributes=True):
    """What came with a mail. It is not kept here."""

    name: str = ""
    media_type: str = ""
    size: int | None = None


class MessageRow(BaseModel, from_attributes=True):
    """A mail. `said` is its own text, `folded` what it quotes. `hidden`: whether text was hidden from its reader."""

    id: uuid.UUID
    is_ours: bool
    from_name: str
    from_address: str
    reply_to: str
    subject: str
    arrived_at: Moment
    said: str
    folded: str
    hidden: _Flag
    language: str
    kind: str
    attachments: list[Attachment]
    cut: bool = Field(validation_alias=AliasChoices("is_cut", "cut"))
    unreadable: bool = Field(validation_alias=AliasChoices("is_unreadable", "unreadable"))


class ThreadRow(BaseModel, from_attributes=True):
    """A thread of the list. `counterpart`: the address to which an answer goes."""

    id: uuid.UUID
    subject: str
    counterpart: str
    counterpart_name: str
    state: ThreadState
    kind: str
    unread: bool = Field(validation_alias=AliasChoices("is_unread", "unread"))
    last_at: Moment


class Threads(BaseModel, from_attributes=True):
    """The threads, the newest one first."""

    threads: list[ThreadRow]


class WholeThread(ThreadRow):
    """A thread with its mails, the oldest one first."""

    messages: list[MessageRow]


class FetchRow(BaseModel, from_attributes=True):
    """A fetch. `done` of `total` mails or threads were read, and `new` mails stored. `reason`: why it failed."""

    id: uuid.UUID
    state: State
    done: int
    total: int
    new: int
    reason: Reason | None
    started_at: Moment = Field(validation_alias=AliasChoices("created_at", "started_at"))
    updated_at: Moment

    @classmethod
    def read(cls, fetch: Fetch) -> dict[str, Any]:
        """The fetch as JSON."""
        return cls.model_validate(fetch).model_dump(mode="json")
