"""A test of a program of your own; pytest runs it as it runs any other."""

import os

from hypothesis import settings

from haz_trio.testing.machines.haz import HazMachine
from haz_trio.testing.subject import Subject


class MyHaz(HazMachine):
    subject = Subject((os.environ.get("MY_HAZ", "haz"),), warm=True)


TestMyHaz = MyHaz.TestCase
TestMyHaz.settings = settings(max_examples=5, stateful_step_count=6, deadline=None)
