#!/usr/bin/env python3
"""Whether security-pipe and osv-scanner name the same advisories: same.py OUR-REPORT.json THEIR-REPORT.json ROOT

Two findings are the same if package, version and lockfile are, and they share an id or alias. Prints the counts and each
difference; exits 1 where osv-scanner names one that security-pipe does not."""

import json
import sys


def ours(path: str) -> dict:
    found: dict = {}
    for finding in json.load(open(path))["findings"]:
        if package := finding.get("package"):
            key = (finding["location"]["path"], package["name"].lower(), package["version"])
            found.setdefault(key, []).append({finding["rule"], *finding["ids"]})
    return found


def theirs(path: str, root: str) -> dict:
    found: dict = {}
    for result in json.load(open(path))["results"]:
        place = result["source"]["path"].split(root.strip("/") + "/")[-1]
        for entry in result["packages"]:
            for advisory in entry.get("vulnerabilities", []):
                key = (place, entry["package"]["name"].lower(), entry["package"]["version"])
                found.setdefault(key, []).append({advisory["id"], *advisory.get("aliases", [])})
    return found


def only_in(some: dict, other: dict) -> list:
    return [(key, sorted(ids)) for key, group in some.items() for ids in group if not any(ids & more for more in other.get(key, []))]


def main() -> int:
    mine, peer = ours(sys.argv[1]), theirs(sys.argv[2], sys.argv[3])
    missing, extra = only_in(peer, mine), only_in(mine, peer)
    print(f"security-pipe {sum(map(len, mine.values()))} findings, osv-scanner {sum(map(len, peer.values()))};", end=" ")
    print(f"only osv-scanner's {len(missing)}, only ours {len(extra)}.")
    for title, rows in (("only osv-scanner", missing), ("only security-pipe", extra)):
        for (place, name, version), ids in rows:
            print(f"- {title}: {place} {name} {version} {' '.join(ids)}")
    return 1 if missing or not peer else 0


if __name__ == "__main__":
    sys.exit(main())
