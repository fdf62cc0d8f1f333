#!/bin/sh
# Installs the validators of validate.py into a folder of the cache named after what is in it, and prints that folder.
# Once there, it is not touched again: validating needs no network.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# The official SARIF 2.1.0 schema, as the crate serde-sarif carries it, and Jenkins' JUnit schema, as pytest's source
# carries it: neither is published as a package of its own.
sarif_version=0.8.0
sarif_sha256=af47e7b67f24efe74076621fd3a5fbe7398add9e84fe820c971219a385895cea
# GitHub's own description of its API; of its 13 MB the three request bodies that we send are kept.
github_version=23.0.2
github_integrity=sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==
pytest_version=8.4.2
pytest_sha256=86c0d0b93306b961d58d62a4db4879f27fe25513d4b969df351abdddb3c30e01

hash=$(cat "$here/requirements.txt" "$here/install.sh" "$here/package-lock.json" | sha256sum | cut -c1-16)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright/validators-$hash
if [ -e "$folder/ready" ]; then
	echo "$folder"
	exit 0
fi

fail() {
	echo "validators/install.sh: $1" >&2
	exit 1
}
command -v python3 >/dev/null 2>&1 || fail "python3 is missing (Debian: apt-get install python3 python3-venv)"
command -v openssl >/dev/null 2>&1 || fail "openssl is missing (Debian: apt-get install openssl)"
command -v npm >/dev/null 2>&1 || fail "npm is missing (Debian: apt-get install nodejs npm)"
command -v cargo >/dev/null 2>&1 || fail "cargo is missing (the SARIF schema comes from a crate)"

mkdir -p "$folder"
# Tests may start this several times at once.
if command -v flock >/dev/null 2>&1; then
	exec 9>"$folder/lock"
	flock 9
	if [ -e "$folder/ready" ]; then
		echo "$folder"
		exit 0
	fi
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv --clear "$folder/venv" >&2 || fail "python3 -m venv failed (Debian: apt-get install python3-venv)"
pip() {
	"$folder/venv/bin/python" -m pip --disable-pip-version-check --quiet "$@" >&2
}
pip install --no-deps --requirement "$here/requirements.txt" || fail "pip could not install requirements.txt"
pip check || fail "requirements.txt is incomplete"

echo "pytest==$pytest_version --hash=sha256:$pytest_sha256" >"$work/pytest.txt"
pip download --no-deps --no-binary :all: --require-hashes --requirement "$work/pytest.txt" --dest "$work" ||
	fail "pip could not download the source of pytest $pytest_version"
tar -xzOf "$work/pytest-$pytest_version.tar.gz" "pytest-$pytest_version/testing/example_scripts/junit-10.xsd" \
	>"$folder/junit-10.xsd" || fail "pytest $pytest_version has no junit-10.xsd"

# Outside of any workspace: its settings are not this one's.
mkdir -p "$work/crate/src"
: >"$work/crate/src/lib.rs"
cat >"$work/crate/Cargo.toml" <<-EOF
	[package]
	name = "sarif-schema"
	version = "0.0.0"
	edition = "2021"
	[dependencies]
	serde-sarif = "=$sarif_version"
	[workspace]
EOF
(cd "$work/crate" && cargo metadata --quiet --format-version 1 >"$work/metadata.json") ||
	fail "cargo could not fetch serde-sarif $sarif_version"
"$folder/venv/bin/python" - "$work/metadata.json" "$folder/sarif-2.1.0.json" <<-'EOF' || fail "no schema in serde-sarif"
	import json, pathlib, shutil, sys
	packages = json.loads(pathlib.Path(sys.argv[1]).read_text())["packages"]
	crate = next(package for package in packages if package["name"] == "serde-sarif")
	shutil.copyfile(pathlib.Path(crate["manifest_path"]).parent / "src" / "schema.json", sys.argv[2])
EOF
echo "$sarif_sha256  $folder/sarif-2.1.0.json" | sha256sum --check --quiet - >&2 ||
	fail "the SARIF schema is not the one that was read when its version was chosen"

rm -rf "$folder/node_modules"
cp "$here/package.json" "$here/package-lock.json" "$folder/"
# The cards' carousel, which they name as a peer, is for browsers; every package is checked against the lock's hashes.
(cd "$folder" && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --loglevel=error >&2) ||
	fail "npm could not install package-lock.json"

(cd "$work" && npm pack --silent "@octokit/openapi@$github_version" >/dev/null) ||
	fail "npm could not fetch @octokit/openapi $github_version"
[ "sha512-$(openssl dgst -sha512 -binary "$work/octokit-openapi-$github_version.tgz" | base64 -w0)" = "$github_integrity" ] ||
	fail "@octokit/openapi is not the one that was read when its version was chosen"
tar -xzOf "$work/octokit-openapi-$github_version.tgz" package/generated/api.github.com.json >"$work/github.json" ||
	fail "@octokit/openapi has no api.github.com.json"
"$folder/venv/bin/python" - "$work/github.json" "$folder/github.json" <<-'EOF' || fail "GitHub's description lacks a request"
	import json, pathlib, sys
	paths = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))["paths"]
	repository = "/repos/{owner}/{repo}/"
	wanted = {
	    "github-status": "statuses/{sha}",
	    "github-deployment": "deployments",
	    "github-deployment-status": "deployments/{deployment_id}/statuses",
	}
	bodies = {kind: paths[repository + path]["post"]["requestBody"]["content"] for kind, path in wanted.items()}
	kept = {kind: content["application/json"]["schema"] for kind, content in bodies.items()}
	pathlib.Path(sys.argv[2]).write_text(json.dumps(kept), encoding="utf-8")
EOF

: >"$folder/ready"
echo "$folder"
