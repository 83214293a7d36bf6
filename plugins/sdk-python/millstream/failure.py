"""Why a record can't become events."""

from __future__ import annotations


class Failure(Exception):
    """A record's failure: its class, and a message for the reader of the dead
    letter. Say what was wrong and where.

    Raise it from a transform or a route; none of the record's events is stored.

    >>> raise Failure.rejected("the total is negative")
    Traceback (most recent call last):
    millstream.failure.Failure: rejected: the total is negative
    """

    #: The class, by which the dead-letter policy decides: `rejected`,
    #: `malformed`, `unaddressable` or `transient`. In a test also what the host
    #: finds: `bad-output`, `too-large` or `unroutable`.
    class_: str
    #: The message for people; the host keeps the first 1,024 bytes.
    message: str

    def __init__(self, class_: str, message: str) -> None:
        super().__init__(class_, message)
        self.class_ = class_
        self.message = message

    def __str__(self) -> str:
        return f"{self.class_}: {self.message}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failure) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)

    @classmethod
    def rejected(cls, message: str) -> Failure:
        """A record that was understood and is not acceptable."""
        return cls("rejected", message)

    @classmethod
    def malformed(cls, message: str) -> Failure:
        """A record that could not be read."""
        return cls("malformed", message)

    @classmethod
    def unaddressable(cls, message: str) -> Failure:
        """A record for which no client or group can be named."""
        return cls("unaddressable", message)

    @classmethod
    def transient(cls, message: str) -> Failure:
        """A record that may succeed if it is retried."""
        return cls("transient", message)


#: The contract's numbers.
NUMBERS = {"rejected": 0, "malformed": 1, "unaddressable": 2, "transient": 3}
