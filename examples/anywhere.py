"""Count the words of many files, wherever work runs; the program stays the same.

    python examples/anywhere.py --context fork         (spawn, forkserver, thread, interpreter)
    python examples/anywhere.py --context dask         (or --address tcp://scheduler:8786)
    python examples/anywhere.py --context ray          (or --address auto)

A pool counts file by file. Two processes take the counts from a queue and add them up: whoever
has the lock takes the sum so far from its queue of one, adds, and puts it back.
"""

import argparse
import re
import sys
import sysconfig
from collections import Counter
from itertools import islice
from pathlib import Path

import interlock

ADDERS = 2


def words_of(path):
    """How often each word is in a file."""
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    return Counter(re.findall(r"[a-z]{4,}", text.lower()))


def add(counts, sums, lock):
    """Add counts to the sum, until there are no more."""
    while (more := counts.get()) is not None:
        with lock:
            sums.put(sums.get() + more)


def count(context, files):
    """The words of all files, by a context's pool, queues, lock and processes."""
    counts, sums, lock = context.Queue(), context.Queue(), context.Lock()
    sums.put(Counter())
    adders = [context.Process(target=add, args=(counts, sums, lock)) for _ in range(ADDERS)]
    for adder in adders:
        adder.start()
    with context.Pool(2) as pool:
        for found in pool.imap_unordered(words_of, files, chunksize=16):
            counts.put(found)
    for _ in adders:
        counts.put(None)
    for adder in adders:
        adder.join()
    return sums.get()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--context", default="spawn")
    parser.add_argument("--address", help="of a cluster")
    parser.add_argument("--files", type=int, help="so many at the most")
    parser.add_argument("--folder", default=sysconfig.get_path("stdlib"))
    wanted = parser.parse_args()
    if wanted.files is not None and wanted.files < 0:
        parser.error(f"argument --files: {wanted.files} is less than 0")
    paths = (p for p in sorted(Path(wanted.folder).rglob("*.py")) if "-packages" not in str(p))
    files = [str(path) for path in islice(paths, wanted.files)]
    options = {} if wanted.address is None else {"address": wanted.address}
    try:
        with interlock.get_context(wanted.context, **options) as context:
            words = count(context, files)
    except (interlock.InterlockError, ValueError) as error:
        sys.exit(f"{wanted.context}: {error}")
    print(f"{words.total():,} words in {len(files):,} files")
    for word, number in sorted(words.items(), key=lambda item: (-item[1], item[0]))[:5]:
        print(f"{number:>9,} {word}")


if __name__ == "__main__":
    main()
