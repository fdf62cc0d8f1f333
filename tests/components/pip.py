"""pip as a judge of requirements files.

Reads a JSON list of cases from standard input, and writes the list of those on which pip and the reader under test
disagree. A case has files ({path: base64}), the one that is read ("file"), whether the reader refuses it ("refused",
with the reason), and what it finds: lists of [name, specifiers, marker, address, whether it is a constraint].
"""

import base64
import json
import logging
import optparse
import os
import pathlib
import re
import sys
import tempfile
import urllib.parse

from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements
from pip._vendor.packaging.markers import Marker
from pip._vendor.packaging.specifiers import SpecifierSet
from pip._vendor.packaging.utils import canonicalize_name


def marker_text(marker):
    try:
        return str(marker) if marker else ""
    except ValueError:  # a string with both kinds of quotes has no text
        return "unwritable"


def address_text(address):
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("", "file"):
        return address
    return path_text(urllib.parse.unquote(parts.path))


def path_text(path):
    # The one side has escaped what the other reads as the end of a path.
    return "file:" + os.path.abspath(re.split("[?#]", path)[0])


def found_by_pip(file):
    found = set()
    # Without a session nothing can be fetched.
    for parsed in parse_requirements(file, session=None):
        asked = install_req_from_parsed_requirement(parsed)
        found.add((
            canonicalize_name(asked.req.name) if asked.req else "",
            str(asked.req.specifier) if asked.req else "",
            marker_text(asked.markers),
            address_text(asked.link.url) if asked.link else "",
            asked.constraint,
        ))
    return found


def found_by_reader(rows):
    return {
        (
            canonicalize_name(name),
            str(SpecifierSet(specifiers)),
            marker_text(Marker(marker)) if marker else "",
            "" if not address else path_text(address) if address[0] in "./" else address_text(address),
            constraint,
        )
        for name, specifiers, marker, address, constraint in rows
    }


def judge(case):
    for path, content in case["files"].items():
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(content))
    try:
        pip = found_by_pip(case["file"])
    # pip has no one error for what it refuses, and optparse exits
    except (Exception, SystemExit) as error:
        return None if case["refused"] is not None else {"pip": f"{type(error).__name__}: {error}"}
    if case["refused"] is not None:
        return {"pip": sorted(pip), "reader": case["refused"]}
    try:
        reader = found_by_reader(case["found"])
    except ValueError as error:  # what is found is not even in its own grammar
        return {"pip": sorted(pip), "reader": str(error)}
    return None if pip == reader else {"pip": sorted(pip - reader), "reader": sorted(reader - pip)}


def main():
    cases = json.load(sys.stdin)
    logging.disable()
    # Each error would be laid out for a screen that nobody sees, and each option be looked up in translations.
    optparse.OptionParser.print_usage = lambda *_: None
    optparse._ = str
    answer = os.fdopen(os.dup(1), "w")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    differences = []
    # Thousands of small files: in memory where there is such a place.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for number, case in enumerate(cases):
            home = os.path.join(folder, str(number))
            os.mkdir(home)
            os.chdir(home)
            difference = judge(case)
            if difference is not None:
                differences.append({"case": number, **difference})
        os.chdir("/")
    json.dump(differences, answer)


main()
