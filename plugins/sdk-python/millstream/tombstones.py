"""Records without a value."""

from __future__ import annotations

import enum
from typing import Callable, Optional

from .failure import Failure
from .record import Record


class Tombstones(enum.Enum):
    """How a transform handles tombstones, records without a value: for the key
    `tombstones` of its configuration. They are common in compacted topics, and
    Debezium sends one for each delete.

    >>> if record.value is None:
    ...     settings.tombstones.of(record, lambda key: events.client(key, text="null"))
    ...     return
    """

    #: A tombstone makes no event.
    SKIP = "skip"
    #: A tombstone fails as `malformed`.
    FAIL = "fail"
    #: A tombstone makes an event for the client or group that its key names.
    EVENT = "event"

    def of(self, record: Record, event: Callable[[str], None]) -> None:
        """Handles a tombstone; `event` makes the event from the key.

        Raises a Failure `malformed`; for an event `unaddressable` if the key is
        not an id, or the failure of `event`."""
        if self is Tombstones.FAIL:
            raise Failure.malformed(
                "the record has no value (a tombstone); to accept tombstones set "
                "`tombstones` in the plugin's configuration to \"skip\" or \"event\""
            )
        if self is Tombstones.EVENT:
            event(_id(record.key))


def _id(key: Optional[bytes]) -> str:
    """The key, if it can be an id. The host would blame the plugin."""
    if key is not None and 1 <= len(key) <= 256:
        try:
            text = str(key, "utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if not has_control(text):
            return text
    raise Failure.unaddressable(
        "the record is a tombstone and its key is not a valid id: expected 1 to 256 "
        "bytes of text without control characters"
    )


def has_control(text: str) -> bool:
    """Whether text has a control character (Unicode's category Cc)."""
    return any(c < " " or "\x7f" <= c <= "\x9f" for c in text)
