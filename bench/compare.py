#!/usr/bin/env python3
"""Times one command of two builds against each other: compare.py RUNS NAME BASE-COMMAND COMMAND

Commands are those of measure.py. Prints a row of a Markdown table with the medians of both builds and the ratios of the
second to the first. Exits with 1 if the second is slower than the rule allows: by 5 % above 50 ms of CPU, by 3 ms below."""

import shlex
import statistics
import sys

from measure import once


def main() -> int:
    runs, name, commands = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    figures: list[list[tuple[float, float, float, int]]] = [[], []]
    # One round that is not counted, then in turn.
    for round_number in range(runs + 1):
        for build, command in enumerate(commands):
            figure = once(shlex.split(command.replace("{n}", str(round_number))))
            if figure[3] in (126, 127) or figure[3] < 0:
                print(f"compare.py: {name} did not run: exit {figure[3]}: {command}", file=sys.stderr)
                return 2
            if round_number > 0:
                figures[build].append(figure)
    if {row[3] for row in figures[0]} != {row[3] for row in figures[1]}:
        print(f"compare.py: {name}: the builds end with different exit codes", file=sys.stderr)
        return 2
    base, now = ([statistics.median(row[index] for row in rows) for index in range(3)] for rows in figures)
    ratios = " | ".join(f"{new / old:.2f}x" if old else "-" for old, new in zip(base, now))
    limit = base[0] * 1.05 if base[0] > 0.05 else base[0] + 0.003
    verdict = "ok" if now[0] <= limit else "too slow"
    print(f"| {name} | {base[0]:.3f} | {now[0]:.3f} | {ratios} | {verdict} |")
    return 0 if verdict == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
