"""One host calls as often as it can; another is served all the same (P3)."""

from __future__ import annotations

import statistics

from tests.hosts.scene import Scene
from tests.managers.waiting import until

CALLS = 100
PAUSE_S = 0.005
MOST_S = 0.2  # on a machine that does nothing else
RATIO = 50.0  # of the medians: the two share their processors with the flood


def test_a_flood_from_one_host_does_not_stall_another(scene: Scene) -> None:
    """Four threads with full pipelines on one host, a call now and then from the other.

    A machine with other work stalls everybody, and without the flood as well: so what counts is
    the middle of a hundred calls, and for all but the worst few the bound of 200 ms.
    """
    scene.serve()
    east, west = scene.client("east"), scene.client("west")
    for client in (east, west):
        client("create", "own", "Counter")
    quiet = sorted(west("round_trips_s", "own", CALLS, PAUSE_S))
    east("flood", "own", 4)
    until(lambda: east("made") >= 4)
    before = east("made")
    busy = sorted(west("round_trips_s", "own", CALLS, PAUSE_S))
    assert east("made") > before, "there was no flood"
    east("end")
    told = f"quiet {quiet[-5:]}, busy {busy[-5:]}"
    assert statistics.median(busy) < max(RATIO * statistics.median(quiet), MOST_S / 4), told
    assert busy[int(CALLS * 0.95)] < max(MOST_S, 3 * quiet[int(CALLS * 0.95)]), told
    assert busy[-1] < max(1.0, 3 * quiet[-1]), told
