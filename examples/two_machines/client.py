"""Has files of a server described, and adds up what was found.

python client.py --keys DIR --name NAME --address HOST:PORT [--files COUNT]
"""

import argparse
import json

from interlock.managers.client import Client
from interlock.managers.tls import client_context

COUNTED = ("lines", "classes", "functions", "unparsable")


def total(results):
    """The sums of what is counted."""
    return {"files": len(results)} | {
        counted: sum(result.get(counted, 0) for result in results) for counted in COUNTED
    }


def main(options):
    """Put the names, and take the results as they come."""
    host, port = options.address.rsplit(":", 1)
    context = client_context(options.keys, options.name)
    with Client((host, int(port)), ssl=context) as client:
        jobs = client.find("jobs")
        names = client.call(jobs, "names")[: options.files]
        client.call(jobs, "put", names)
        found: list[tuple[str, dict[str, object]]] = []
        while len(found) < len(names):
            found += client.call(jobs, "results", len(found))
            print(f"{len(found)} of {len(names)} files", flush=True)
        again = client.call(jobs, "end")
    if sorted(name for name, _ in found) != sorted(names):
        raise SystemExit("a file is missing, or was described twice")
    print(json.dumps(total([result for _, result in found]) | {"given again": again}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", required=True, help="where ca.pem, crl.pem and NAME.key are")
    parser.add_argument("--name", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--files", type=int, help="how many; all if nothing is said")
    main(parser.parse_args())
