"""Write Millstream plugins: one function for each kind.

| kind | the author's function | answers |
|---|---|---|
| transform | `transform(record, events)` | which events a record becomes, and for which client or group |
| transform with state | `keys(record, keys)` and `transform(record, events, state)` | the same, from the record and what was kept of earlier ones |
| route | `route(event)` | where an event goes |
| dead-letter | `decide(failed)` | what happens to a failed record |

Each may have `configure(config)` beside it, which reads the plugin's
configuration. A plugin is plain Python: `millstream.testing` runs it without
WebAssembly, through the same flat batches as the host.

Three capabilities must be granted in the plugin's table of the configuration: `log`
(`from millstream import log`), `clock` (`from millstream import clock`) and `keyvalue`
(a transform with state). The modules are not imported here: a plugin that imports one
needs its capability.
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
from .state import State
from .stateful import Keys
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
    "Keys",
    "Letter",
    "Needs",
    "Record",
    "Reroute",
    "Retry",
    "RoutedEvent",
    "State",
    "ToTopic",
    "Tombstones",
]
