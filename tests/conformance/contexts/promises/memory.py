"""Value, Array, SharedArray, SharedDict, Manager."""

from __future__ import annotations

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise


@promise("Value", "Process")
def a_value_is_changed_under_its_lock(bench: Bench) -> None:
    """get_lock() guards a step of several; each process sees the others' changes."""
    value = bench.context.Value("i", 5)
    bench.join(*[bench.start(work.add, value, 50) for _ in range(2)])
    must(value.value == 105, f"It is {value.value}.")


@promise("Array", "Process")
def an_array_is_seen_by_all(bench: Bench) -> None:
    """What a process writes into it the others read."""
    array = bench.context.Array("i", [0, 0, 0])
    bench.join(bench.start(work.fill, array, 7))
    must([*array] == [7, 8, 9], f"It has {[*array]}.")


@promise("RawArray", "Process")
def a_raw_array_has_no_lock(bench: Bench) -> None:
    """It is a ctypes array, in memory that all share."""
    array = bench.context.RawArray("d", 3)
    bench.join(bench.start(work.fill, array, 1))
    must(array[:] == [1.0, 2.0, 3.0], f"It has {array[:]}.")


@promise("SharedArray", "Process")
def a_numpy_array_is_seen_by_all(bench: Bench) -> None:
    """SharedArray is an array in memory that all share."""
    array = bench.context.SharedArray(3, "int64")
    bench.join(bench.start(work.fill, array, 4))
    must(array.tolist() == [4, 5, 6], f"It has {array.tolist()}.")


@promise("SharedDict", "Process")
def a_dict_is_changed_in_one_step(bench: Bench) -> None:
    """update_with() of several processes loses no change."""
    shared = bench.context.SharedDict({"count": 0})
    bench.join(*[bench.start(work.count_in, shared, 50) for _ in range(2)])
    must(shared["count"] == 100, f"It is {shared['count']}.")
    must(shared.compare_and_set("count", 100, 1), "It was not as expected.")
    must(not shared.compare_and_set("count", 100, 2), "It was as before.")


@promise("SharedDict")
def a_dict_s_values_are_copies(bench: Bench) -> None:
    """What is done to a value after it was stored changes nothing in it."""
    value = ["stored"]
    shared = bench.context.SharedDict({"key": value})
    value.append("later")
    must(shared["key"] == ["stored"], "The later change is there.")


@promise("Manager", "Process")
def a_manager_s_objects_are_seen_by_all(bench: Bench) -> None:
    """Its dicts and lists, changed by a process, are changed for all."""
    with bench.context.Manager() as manager:
        shared, items = manager.dict(), manager.list([1])
        bench.join(bench.start(work.note_in, shared, "a"), bench.start(work.append_to, items, 2))
        must(dict(shared) == {"a": "aa"}, f"The dict is {shared}.")
        must(list(items) == [1, 2], f"The list is {items}.")


@promise("Manager", "Process", "Queue")
def a_manager_has_queues_and_locks(bench: Bench) -> None:
    """They work as the context's own."""
    with bench.context.Manager() as manager:
        queue, lock = manager.Queue(), manager.Lock()
        with lock:
            process = bench.start(work.put, queue, "by the manager")
            must(queue.get(timeout=bench.long_s) == "by the manager", "It is another.")
        bench.join(process)


PROMISES = (
    a_value_is_changed_under_its_lock,
    an_array_is_seen_by_all,
    a_raw_array_has_no_lock,
    a_numpy_array_is_seen_by_all,
    a_dict_is_changed_in_one_step,
    a_dict_s_values_are_copies,
    a_manager_s_objects_are_seen_by_all,
    a_manager_has_queues_and_locks,
)
