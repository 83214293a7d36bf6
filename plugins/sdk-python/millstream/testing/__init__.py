"""Runs a plugin without WebAssembly, through the same flat batches as the host,
and applies the host's checks to its answers.

A plugin under test is the author's module, or any object with its functions:

>>> import plugin
>>> from millstream.testing import TestRecord, TransformTest
>>> made = TransformTest(plugin).one(TestRecord('{"customer": "ada"}'))
>>> made[0].client
'ada'

An error that is not a Failure is raised as it is: in the daemon it would throw
the instance away.
"""

from .dead_letter import DeadLetterTest, TestFailure
from .input import TestRecord
from .route import RouteTest, TestDestination, TestEvent
from .stateful import StatefulTest
from .transform import MadeEvent, TransformTest

__all__ = [
    "DeadLetterTest",
    "MadeEvent",
    "RouteTest",
    "StatefulTest",
    "TestDestination",
    "TestEvent",
    "TestFailure",
    "TestRecord",
    "TransformTest",
]
