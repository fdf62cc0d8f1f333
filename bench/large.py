#!/usr/bin/env python3
"""Lays out trees that are as large as security-pipe accepts, or larger: large.py FOLDER [NAME...]

Prints a line for each: its folder below FOLDER, and what it is. The packages are made up, with checksums and edges as the
package managers write them, and the same on every run. Trees with made-up advisories have them in a folder NAME-advisories."""

import base64
import hashlib
import json
import sys
import zipfile
from datetime import datetime, timezone
from pathlib import Path

# The limit of one lockfile.
MOST = 30_000
# With files, as many as one of TOML may have values.
TOML = 12_000


def sha512(text: str) -> bytes:
    return hashlib.sha512(text.encode()).digest()


def npm_entry(name: str, number: int, names: list[str]) -> str:
    """One line of package-lock.json, with five edges."""
    edges = {names[(number * 7 + step) % len(names)]: "^1.0.0" for step in (1, 11, 101, 1009, 5003)}
    entry = {
        "version": f"1.{number % 90}.{number % 7}",
        "resolved": f"https://registry.npmjs.org/{name}/-/{name}-1.{number % 90}.{number % 7}.tgz",
        "integrity": "sha512-" + base64.b64encode(sha512(name)).decode(),
        "dev": number % 3 == 0,
        "license": "MIT",
        "dependencies": edges,
        "engines": {"node": ">=18"},
    }
    return json.dumps(f"node_modules/{name}") + ": " + json.dumps(entry, indent=2)


def npm_lock(root: str, entries: list[str]) -> str:
    head = json.dumps({"name": root, "version": "1.0.0"})
    return (
        '{\n"name": "%s", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {\n"": %s,\n%s\n}}\n'
        % (root, head, ",\n".join(entries))
    )


def npm_tree(folder: Path, lockfiles: int, shared: int, own: int) -> None:
    shared_names = [f"shared-package-{number}" for number in range(shared)]
    shared_entries = [npm_entry(name, number, shared_names) for number, name in enumerate(shared_names)]
    for lockfile in range(lockfiles):
        own_names = [f"own-package-{lockfile}-{number}" for number in range(own)]
        names = shared_names + own_names
        entries = shared_entries + [npm_entry(name, number, names) for number, name in enumerate(own_names)]
        place = folder / f"services/service-{lockfile:03}"
        place.mkdir(parents=True)
        (place / "package-lock.json").write_text(npm_lock(f"service-{lockfile}", entries))


def poetry(folder: Path) -> None:
    parts = []
    for number in range(TOML):
        files = "".join(
            f'    {{file = "package_{number}-1.0.0-{wheel}.whl", hash = "sha256:{sha512(f"{number}-{wheel}").hex()[:64]}"}},\n'
            for wheel in range(7)
        )
        edges = "".join(f'package-{(number * 7 + step) % TOML} = ">=1.0"\n' for step in (1, 11, 101))
        parts.append(
            f'[[package]]\nname = "package-{number}"\nversion = "1.0.0"\noptional = false\ngroups = ["main"]\n'
            f"files = [\n{files}]\n\n[package.dependencies]\n{edges}\n"
        )
    (folder / "poetry.lock").write_text("".join(parts) + '[metadata]\nlock-version = "2.1"\n')


def uv(folder: Path) -> None:
    parts = ['version = 1\nrequires-python = ">=3.12"\n\n']
    for number in range(TOML):
        wheels = "".join(
            f'    {{ url = "https://files.pythonhosted.org/packages/{number}/package_{number}-1.0.0-{wheel}.whl", '
            f'hash = "sha256:{sha512(f"{number}-{wheel}").hex()[:64]}", size = 1 }},\n'
            for wheel in range(7)
        )
        edges = "".join(f'    {{ name = "package-{(number * 7 + step) % TOML}" }},\n' for step in (1, 11, 101))
        parts.append(
            f'[[package]]\nname = "package-{number}"\nversion = "1.0.0"\n'
            f'source = {{ registry = "https://pypi.org/simple" }}\ndependencies = [\n{edges}]\nwheels = [\n{wheels}]\n\n'
        )
    (folder / "uv.lock").write_text("".join(parts))


def cargo(folder: Path) -> None:
    parts = ["version = 4\n\n"]
    for number in range(MOST):
        edges = "".join(f' "crate-{(number * 7 + step) % MOST}",\n' for step in (1, 11, 101, 1009, 5003))
        parts.append(
            f'[[package]]\nname = "crate-{number}"\nversion = "1.0.0"\n'
            f'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
            f'checksum = "{sha512(str(number)).hex()[:64]}"\ndependencies = [\n{edges}]\n\n'
        )
    (folder / "Cargo.lock").write_text("".join(parts))


def requirements(folder: Path) -> None:
    lines = []
    for number in range(MOST):
        hashes = " ".join(f"\\\n    --hash=sha256:{sha512(f'{number}-{file}').hex()[:64]}" for file in range(10))
        lines.append(f"package-{number}==1.0.0 {hashes}\n")
    (folder / "requirements.txt").write_text("".join(lines))


def go(folder: Path) -> None:
    modules = [f"example.com/team-{number % 100}/module-{number}" for number in range(MOST - 10)]
    lines = "".join(f"\t{module} v1.0.0{' // indirect' if at % 3 else ''}\n" for at, module in enumerate(modules))
    (folder / "go.mod").write_text(f"module example.com/app\n\ngo 1.22\n\nrequire (\n{lines})\n")
    sums = "".join(
        f"{module} {version} h1:{base64.b64encode(sha512(module + version)[:32]).decode()}\n"
        for module in modules
        for version in ("v1.0.0", "v1.0.0/go.mod")
    )
    (folder / "go.sum").write_text(sums)


def advisories(folder: Path, ecosystem: str, packages: list[str]) -> None:
    """OSV's zip beside the tree, with one critical advisory for each of `packages`, which may repeat."""
    place = folder.with_name(f"{folder.name}-advisories") / ecosystem
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "all.zip", "w", zipfile.ZIP_DEFLATED) as records:
        for number, package in enumerate(packages):
            kind = "SEMVER" if ecosystem == "crates.io" else "ECOSYSTEM"
            record = {
                "id": f"PIPE-2026-{number:05}",
                "aliases": [f"CVE-2026-{number:05}", f"GHSA-aaaa-bbbb-{number:05}"],
                "modified": datetime.now(timezone.utc).strftime("%Y-%m-%dT00:00:00Z"),
                "summary": f"Memory corruption in function {number} of {package}",
                "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
                "references": [{"type": "WEB", "url": f"https://example.com/advisories/{number}"}],
                "affected": [
                    {
                        "package": {"ecosystem": ecosystem, "name": package},
                        "ranges": [{"type": kind, "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}],
                    }
                ],
            }
            records.writestr(f"{record['id']}.json", json.dumps(record))


def vulnerable(folder: Path) -> None:
    cargo(folder)
    advisories(folder, "crates.io", [f"crate-{number}" for number in range(MOST)])


def copies(folder: Path) -> None:
    for number in range(2_500):
        place = folder / f"services/service-{number:04}"
        place.mkdir(parents=True)
        (place / "requirements.txt").write_text("package==1.0.0\n")
    advisories(folder, "PyPI", ["package"] * 400)


def main() -> None:
    wanted = sys.argv[2:]
    trees = [
        ("npm", "package-lock.json of 20,500 packages", lambda at: npm_tree(at, 1, 20_000, 500)),
        ("npm-200", "200 of them: 20,000 packages in all, 500 in each alone", lambda at: npm_tree(at, 200, 20_000, 500)),
        ("npm-limit", "package-lock.json of 30,000 packages, the limit", lambda at: npm_tree(at, 1, MOST - 1, 0)),
        ("npm-distinct", "10 of 20,000 different packages each, above the limit", lambda at: npm_tree(at, 10, 0, 20_000)),
        ("poetry", "poetry.lock of 12,000 packages with seven files each", poetry),
        ("uv", "uv.lock of 12,000 packages with seven files each", uv),
        ("cargo", "Cargo.lock of 30,000 packages", cargo),
        ("requirements", "requirements.txt of 30,000 packages with ten checksums each", requirements),
        ("go", "go.mod and go.sum of 29,990 modules", go),
        ("vulnerable", "Cargo.lock of 30,000 packages with an advisory each", vulnerable),
        ("copies", "2,500 requirements.txt of one package with 400 advisories: a million findings", copies),
    ]
    for name, what, make in trees:
        if wanted and name not in wanted:
            continue
        folder = Path(sys.argv[1]) / name
        folder.mkdir(parents=True)
        make(folder)
        files = [file for file in folder.rglob("*") if file.is_file()]
        largest = max(file.stat().st_size for file in files)
        total = sum(file.stat().st_size for file in files)
        print(f"{name}\t{what}\t{len(files)}\t{total}\t{largest}")


if __name__ == "__main__":
    main()
