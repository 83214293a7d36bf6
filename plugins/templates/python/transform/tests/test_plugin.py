import unittest

import plugin
from millstream.testing import TestRecord, TransformTest


class Orders(unittest.TestCase):
    def test_an_order_becomes_an_event_for_its_customer(self) -> None:
        order = TestRecord('{"customer": "ada", "id": 7, "total": 9.5}')
        event = TransformTest(plugin).one(order)[0]
        self.assertEqual(event.client, "ada")
        self.assertEqual(event.payload, '{"id":7,"total":9.5}')
