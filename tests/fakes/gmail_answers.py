"""How Gmail shows a mail as JSON, and what of it a `fields` parameter lets through."""

import base64
import re
from email.message import Message
from typing import Any


def payload_of(message: Message, name: str = "") -> dict[str, Any]:
    """A MIME tree as Gmail shows it: texts in UTF-8 whatever their headers name, attachments as ids."""
    headers = [{"name": one, "value": str(value)} for one, value in message.items()]
    found: dict[str, Any] = {"partId": name, "mimeType": message.get_content_type(), "filename": "", "headers": headers}
    if message.is_multipart():
        inner = [one for one in message.get_payload() if isinstance(one, Message)]
        below = [payload_of(one, f"{name}.{number}".lstrip(".")) for number, one in enumerate(inner)]
        return found | {"body": {"size": 0}, "parts": below}
    content = message.get_payload(decode=True)
    assert isinstance(content, bytes)
    found["filename"] = message.get_filename("")
    if found["filename"] or message.get_content_maintype() != "text":
        return found | {"body": {"attachmentId": f"ANGjdJ{name}", "size": len(content)}}
    return found | {"body": {"size": len(content), **_data(_as_utf8(content, message.get_content_charset("utf-8")))}}


def _data(content: bytes) -> dict[str, str]:
    return {"data": base64.urlsafe_b64encode(content).decode()} if content else {}


def _as_utf8(content: bytes, charset: str) -> bytes:
    try:
        return content.decode(charset).encode()
    except (LookupError, UnicodeDecodeError):
        return content


def mask_of(fields: str) -> dict[str, Any]:
    """What a `fields` parameter names: `a,b(c)` is {"a": {}, "b": {"c": {}}}."""
    found: dict[str, Any] = {}
    inside = [found]
    last = found
    for token in re.findall(r"[(),]|[^(),]+", fields):
        match token:
            case "(":
                inside.append(last)
            case ")":
                inside.pop()
            case ",":
                pass
            case name:
                last = inside[-1][name] = {}
    assert len(inside) == 1, fields
    return found


def masked(value: Any, mask: dict[str, Any]) -> Any:
    """The part of an answer that the mask names; an empty mask names everything."""
    if isinstance(value, list):
        return [masked(one, mask) for one in value]
    if not mask or not isinstance(value, dict):
        return value
    return {name: masked(one, mask[name]) for name, one in value.items() if name in mask}
