"""Has the files of a server described, and adds up what was found.

python client.py --keys DIR --name NAME --address HOST:PORT [--files COUNT]
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from files import Hub

import interlock

COUNTED = ("lines", "classes", "functions", "unparsable")


def total(results):
    """The sums of what is counted."""
    return {"files": len(results)} | {
        counted: sum(result.get(counted, 0) for result in results) for counted in COUNTED
    }


def main(options):
    """Put the names, and take the results as they come."""
    host, port = options.address.rsplit(":", 1)
    hub = Hub((host, int(port)), tls=options.keys, name=options.name)
    hub.connect()
    names = hub.files().names()[: options.files]
    address = f"interlock://{options.address}"
    with interlock.connect(address, tls=options.keys, name=options.name) as connection:
        jobs, described = connection.queue("jobs"), connection.queue("described")
        jobs.put_many(names)
        jobs.shutdown()  # the workers end when all are done
        results: dict[str, dict[str, object]] = {}
        again = 0
        while len(results) < len(names):
            name, result, attempt = described.get()
            again += attempt > 1
            results[name] = result  # of a file that was given again it may be there twice
            if len(results) % 10 == 0 or len(results) == len(names):
                print(f"{len(results)} of {len(names)} files", flush=True)
    print(json.dumps(total(results.values()) | {"given again": again}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", required=True, help="where ca.pem, crl.pem and NAME.key are")
    parser.add_argument("--name", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--files", type=int, help="how many; all if nothing is said")
    main(parser.parse_args())
