"""Texts without the passwords, tokens and keys of the connection strings in them."""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"
_BEFORE_HOST = re.compile(r"(?P<user>[a-z][\w+.-]*://[^\s:/?#@]*)(?!:\*\*\*@)[:/?#\s][^\n]*@", re.IGNORECASE)
_WITHOUT_SLASHES = re.compile(
    r"(?P<user>\b[\w+.%-]+:(?!//)[^\s:@`'\"]*)(?<!\*\*\*):(?!\*\*\*@)[^\s@`'\"][^\s`'\"]*@(?=[\w\[])"
)
_BARE_WORDS = r"\b\w*(?:password|passwd|pwd|passphrase|secret|token|api_?key|access_?key|credentials?)"
_SETTING = re.compile(
    rf"(?P<key>[?&;][^=&\s]{{1,200}}|{_BARE_WORDS})(?P<is>\s?=\s?+)(?!\*\*\*)[^&\n]*", re.IGNORECASE
)
_SECRET_KEY = re.compile(
    "pass|pwd|secret|token|key|credential|auth|signature|sas|jwt|(?<![a-z])(?:options|code|sig|pin|otp)(?![a-z])",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """A text without the passwords, tokens and keys of the connection strings in it.

    Of `scheme://user:password@host` everything from the first colon to the line's last `@` goes, and the
    whole value of a setting whose name speaks of a secret: rather too much than a part of a password with an
    odd character.
    """
    if "@" in text:
        text = _BEFORE_HOST.sub(rf"\g<user>:{HIDDEN}@", text) if "://" in text else text
        text = _WITHOUT_SLASHES.sub(rf"\g<user>:{HIDDEN}@", text)
    return _SETTING.sub(_without_value, text) if "=" in text else text


def secret_setting(name: str) -> bool:
    """Whether the value of a connection's setting of this name is kept from people's eyes."""
    return _SECRET_KEY.search(unquote(name)) is not None


def _without_value(setting: re.Match[str]) -> str:
    return f"{setting['key']}{setting['is']}{HIDDEN}" if secret_setting(setting["key"]) else setting[0]
