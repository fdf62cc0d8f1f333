#!/usr/bin/env python3
"""Times whole processes against each other: measure.py RUNS NAME=COMMAND NAME=COMMAND...

A command may begin with assignments, which are the whole environment of its process beside PATH and HOME; `{n}` in it is
the number of the round, from 0. The commands
run in turn (A B A B ...) after one round that is not counted; of each, CPU seconds (user and system, as the
kernel accounts the finished process), wall seconds and peak memory of the largest process are taken, and medians and the
ratio of medians to the first are printed as rows of a Markdown table."""

import os
import shlex
import statistics
import sys
import time


def once(command: list[str]) -> tuple[float, float, float, int]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    while "=" in command[0]:
        name, value = command[0].split("=", 1)
        environment[name] = value
        command = command[1:]
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        sink = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(sink, stream)
        try:
            os.execvpe(command[0], command, environment)
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - started
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def main() -> int:
    runs = int(sys.argv[1])
    commands = [argument.split("=", 1) for argument in sys.argv[2:]]
    figures: dict[str, list[tuple[float, float, float, int]]] = {name: [] for name, _ in commands}
    for round_number in range(runs + 1):
        for name, command in commands:
            figure = once(shlex.split(command.replace("{n}", str(round_number))))
            if figure[3] in (126, 127) or figure[3] < 0:
                print(f"measure.py: {name} did not run: exit {figure[3]}", file=sys.stderr)
                return 1
            if round_number > 0:
                figures[name].append(figure)
    first = None
    for name, rows in figures.items():
        cpu, wall, memory = (statistics.median(row[index] for row in rows) for index in range(3))
        first = first or (cpu, wall, memory)
        ratios = [f"{value / base:.1f}x" if base else "-" for value, base in zip((cpu, wall, memory), first)]
        exits = ",".join(str(code) for code in sorted({row[3] for row in rows}))
        print(f"| {name} | {cpu:.3f} | {wall:.3f} | {memory:.1f} | {ratios[0]} | {ratios[1]} | {ratios[2]} | {exits} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
