"""A dead-letter policy: rejected records are dropped, transient failures are
tried again, all else goes to the default topic."""

from millstream import Decision, Drop, FailedRecord, Retry, ToTopic


def decide(failed: FailedRecord) -> Decision:
    if failed.class_ == "rejected":
        return Drop()
    if failed.class_ == "transient" and failed.attempts < 3:
        return Retry(200)
    return ToTopic()
