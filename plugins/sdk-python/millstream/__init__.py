"""Write Millstream plugins: one function for each kind.

| kind | the author's function | answers |
|---|---|---|
| transform | `transform(record, events)` | which events a record becomes, and for which client or group |
| route | `route(event)` | where an event goes |
| dead-letter | `decide(failed)` | what happens to a failed record |

Each may have `configure(config)` beside it, which reads the plugin's
configuration. A plugin is plain Python: `millstream.testing` runs it without
WebAssembly, through the same flat batches as the host.
"""

from .config import Config, ConfigError
from .dead_letter import (
    SAME,
    Decision,
    Drop,
    FailedRecord,
    Halt,
    Letter,
    Reroute,
    Retry,
    ToTopic,
)
from .failure import Failure
from .record import Header, Record
from .route import Deliver, Destination, Needs, RoutedEvent
from .tombstones import Tombstones
from .transform import Events

__all__ = [
    "SAME",
    "Config",
    "ConfigError",
    "Decision",
    "Deliver",
    "Destination",
    "Drop",
    "Events",
    "FailedRecord",
    "Failure",
    "Halt",
    "Header",
    "Letter",
    "Needs",
    "Record",
    "Reroute",
    "Retry",
    "RoutedEvent",
    "ToTopic",
    "Tombstones",
]
