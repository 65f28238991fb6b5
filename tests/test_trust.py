"""When stat data vouch for what was read."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from haz_trio.trust import (
    COARSE_SLACK,
    FINE_SLACK,
    REMOTE_SLACK,
    is_settled,
    parse_mounts,
    remote_devices,
)

SECOND = 1_000_000_000
FINE = 1_000 * SECOND + 123_456_789  # a time with digits below the millisecond
COARSE = 1_000 * SECOND

MOUNTS = rb"""21 28 0:20 / /proc rw,relatime shared:7 - proc proc rw
28 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
40 28 0:50 / /home/a\040b rw,relatime - nfs4 server:/home rw,vers=4.2
41 28 0:51 / /mnt/ssh rw,nosuid - fuse.sshfs user@host:/ rw
42 28 0:52 / /tmp rw shared:3 - tmpfs tmpfs rw
"""


def settled(mtime: int, ctime: int, *, seen: int, now: int | None = None) -> bool:
    return is_settled(0, mtime, ctime, seen_ns=seen, now_ns=seen if now is None else now)


def test_a_stamp_within_the_slack_proves_nothing() -> None:
    """The younger of both times must be older than the look by more than the slack."""
    assert not settled(FINE, FINE, seen=FINE + FINE_SLACK)
    assert settled(FINE, FINE, seen=FINE + FINE_SLACK + 1)
    assert not settled(0, FINE, seen=FINE + FINE_SLACK)  # touch -r, cp -p
    assert not settled(FINE, 1, seen=FINE + FINE_SLACK)  # a date in the future


def test_a_file_system_without_fine_times_gets_a_large_slack() -> None:
    """A ctime on a whole millisecond is taken for a sign of a coarse clock."""
    assert not settled(COARSE, COARSE, seen=COARSE + COARSE_SLACK)
    assert settled(COARSE, COARSE, seen=COARSE + COARSE_SLACK + 1)
    assert settled(COARSE, FINE, seen=FINE + FINE_SLACK + 1)  # only the mtime was set by hand


def test_a_clock_that_was_set_back_proves_nothing() -> None:
    """A look that lies in the future cannot have been the last moment of no change."""
    assert settled(FINE, FINE, seen=FINE + SECOND, now=FINE + SECOND)
    assert not settled(FINE, FINE, seen=FINE + SECOND, now=FINE + SECOND - 1)


@given(st.integers(0, 10 * SECOND), st.integers(1, FINE_SLACK - 1), st.integers(0, SECOND))
def test_no_change_hides_behind_a_clock_that_ticks(start: int, tick: int, later: int) -> None:
    """Whatever the phase: a change after the look has another stamp than one that is believed."""
    base = FINE // tick * tick + start // tick * tick
    stamp = base if base % 1_000_000 else base + 1
    for seen in (stamp, stamp + tick, stamp + FINE_SLACK + 1):
        changed = (seen + later - stamp) // tick * tick + stamp  # the stamp of the change
        assert not (settled(stamp, stamp, seen=seen) and changed == stamp)


def test_network_file_systems_are_known_by_their_mounts() -> None:
    """Device numbers of NFS and FUSE mounts are found, also behind an escaped blank."""
    assert parse_mounts(MOUNTS) == {os.makedev(0, 50), os.makedev(0, 51)}
    assert parse_mounts(b"") == frozenset()


def test_stamps_of_another_machine_get_the_largest_slack() -> None:
    """Its clock may run a minute apart from ours; local devices are not among them."""
    assert REMOTE_SLACK > COARSE_SLACK > FINE_SLACK
    assert os.stat("/proc").st_dev not in remote_devices()
    for device in remote_devices():
        seen = FINE + REMOTE_SLACK
        assert not is_settled(device, FINE, FINE, seen_ns=seen, now_ns=seen)
