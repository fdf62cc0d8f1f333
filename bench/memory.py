#!/usr/bin/env python3
"""Runs security-pipe once on each tree of large.py: memory.py PIPE ADVISORIES

Prints the rows of a Markdown table: every scan and every report is on, ADVISORIES is a folder of OSV's zips. `allowed` is
64 MB and five times the largest document. Exits with 1 if a run takes more."""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import once

LARGE = Path(__file__).with_name("large.py")
NAMES = ["npm", "npm-200", "npm-limit", "npm-distinct", "poetry", "uv", "cargo", "requirements", "go", "vulnerable", "copies"]


def main() -> int:
    pipe, advisories = sys.argv[1:]
    broken = 0
    for name in NAMES:
        with tempfile.TemporaryDirectory() as work:
            # One tree at a time: all of them take several gigabytes.
            made = subprocess.run([sys.executable, LARGE, work, name], check=True, capture_output=True, text=True)
            _, what, files, total, largest = made.stdout.rstrip("\n").split("\t")
            own = Path(work) / f"{name}-advisories"
            database = own if own.exists() else advisories
            command = (
                f"WORKING_DIR={work}/{name} REPORTS_DIR={work}/reports OSV_DB_PATH={database} SCAN_TIMEOUT=1h "
                f"SBOM_FORMAT=cyclonedx-json,spdx-json GATE_MODE=warn {pipe}"
            )
            cpu, wall, peak, code = once(shlex.split(command))
        allowed = 64 + 5 * int(largest) / 1e6
        broken += peak > allowed
        sizes = f"{int(total) / 1e6:.0f} MB in {files}" if files != "1" else f"{int(total) / 1e6:.0f} MB"
        print(f"| {what} | {sizes} | {peak:.0f} | {allowed:.0f} | {cpu:.1f} | {wall:.1f} | {code} |", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
