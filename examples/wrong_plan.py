"""A plan with one mistake; `haz_trio.testing` says which rule it breaks, and after which facts.

What does it do wrong? Run it and read the report.
"""

from haz_trio.plan.machine import Limits, Plan
from haz_trio.testing.machines.plan import check_plan
from haz_trio.testing.trial import DifferenceError


def eager_plan(tasks, limits, **options):
    """A plan that keeps its processors busy."""
    return Plan(tasks, Limits(limits.slots + 1, limits.tags), **options)


if __name__ == "__main__":
    try:
        check_plan(eager_plan)
    except DifferenceError as difference:
        print(difference, *difference.__notes__, sep="\n")
