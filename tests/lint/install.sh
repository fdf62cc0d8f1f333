#!/bin/sh
# Installs the linters into a folder of ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright named after what is in it, and prints
# that folder: zizmor, check-jsonschema, typos and pre-commit from PyPI by hash, actionlint from its Go module by go.sum.
set -eu
cd "$(dirname "$0")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright
folder=$cache/lint-$(cat requirements.txt go.mod go.sum install.sh | cksum | cut -d ' ' -f 1)
fail() {
	echo "lint/install.sh: $1" >&2
	exit 1
}
if [ ! -e "$folder/ready" ]; then
	command -v python3 >/dev/null 2>&1 || fail "python3 is missing (Debian: apt-get install python3 python3-venv)"
	command -v go >/dev/null 2>&1 || fail "Go is missing (version 1.26.8 or later)"
	mkdir -p "$folder"
	# Two checkouts may install at once.
	if command -v flock >/dev/null 2>&1; then
		exec 9>"$folder/lock"
		flock 9
	fi
fi
if [ ! -e "$folder/ready" ]; then
	echo "installing the linters" >&2
	python3 -m venv --clear "$folder/venv" || fail "python3 -m venv failed (Debian: apt-get install python3-venv)"
	"$folder/venv/bin/pip" --disable-pip-version-check --quiet install --no-deps --only-binary :all: --require-hashes \
		--requirement requirements.txt >&2 || fail "pip could not install requirements.txt"
	"$folder/venv/bin/pip" --disable-pip-version-check check >/dev/null || fail "requirements.txt is incomplete"
	mkdir -p "$folder/bin"
	for tool in zizmor check-jsonschema typos pre-commit; do
		ln -sf "../venv/bin/$tool" "$folder/bin/$tool"
	done
	GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOBIN="$folder/bin" CGO_ENABLED=0 \
		go install -trimpath -ldflags '-s -w' tool || fail "go could not build actionlint"
	: >"$folder/ready"
fi
ln -sfn "$(basename "$folder")" "$cache/lint"
echo "$folder"
