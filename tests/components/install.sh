#!/bin/sh
# Installs what the tests of signing run against, and the judges of lockfiles, once a version, in
# ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright:
#   components-N/   Fulcio, Rekor, a timestamp authority and our own helper, from the Go modules pinned in go.mod
#   moto-N/, sigstore-python-N/, pip-N/
#                   AWS's services as moto plays them, another judge of bundles, and the judge of requirements files, from
#                   PyPI
#   cosign-SUITE/   cosign 2.5 and 3.1 as Debian has them in other suites than this machine's, unpacked privately, with
#                   the package's exact version beside it
set -eu
cd "$(dirname "$0")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright
mkdir -p "$cache"
# Two checkouts may install at once.
if command -v flock >/dev/null 2>&1; then
	exec 9>"$cache/components.lock"
	flock 9
fi

version=$(cat go.mod go.sum helper/*.go | cksum | cut -d ' ' -f 1)
if [ ! -x "$cache/components-$version/done" ]; then
	command -v go >/dev/null 2>&1 || { echo "install.sh: Go 1.26.8 or later is needed" >&2; exit 1; }
	echo "building Fulcio, Rekor and a timestamp authority" >&2
	export GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOBIN="$cache/components-$version" CGO_ENABLED=0
	go install -trimpath -ldflags '-s -w' tool ./helper
	ln -sf helper "$cache/components-$version/done"
fi
ln -sfn "components-$version" "$cache/components"

venv() { # venv NAME FILE: what FILE lists
	version=$(cksum <"$2" | cut -d ' ' -f 1)
	if [ ! -e "$cache/$1-$version/ready" ]; then
		python3 -m venv --clear "$cache/$1-$version"
		pip=$cache/$1-$version/bin/pip
		"$pip" --disable-pip-version-check --quiet install --no-deps --requirement "$2"
		"$pip" --disable-pip-version-check check >/dev/null ||
			{ echo "install.sh: $2 does not list all that $1 needs" >&2; exit 1; }
		: >"$cache/$1-$version/ready"
	fi
	ln -sfn "$1-$version" "$cache/$1"
}
venv moto requirements.txt
venv sigstore-python sigstore-python.txt
venv pip pip.txt

# The address and the key of the archive are those that this machine has for its own suite.
source=
for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list; do
	[ -f "$file" ] || continue
	address=$(sed -n -e 's/^URIs:[ \t]*\([^ ]*\).*/\1/p' -e 's/^deb[ \t]\(\[[^]]*\][ \t]*\)\{0,1\}\([^ ]*\) .*/\2/p' "$file" |
		grep '/debian/\{0,1\}$' | head -n 1) || true
	if [ -n "$address" ]; then
		source=$address
		break
	fi
done

work=
trap 'rm -rf "$work"' EXIT
cosign() { # cosign SUITE SERIES VERSION: the series that is needed, and the version it was last seen to work with
	to=$cache/cosign-$1
	[ ! -x "$to/cosign" ] || return 0
	[ -n "$source" ] || { echo "install.sh: no Debian archive in apt's sources: cosign $2 can't be had" >&2; exit 1; }
	work=$(mktemp -d)
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
	# What is already there of keys may be newer or older than the suite; the archive's own keyring knows all.
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $source $1 main" >"$work/sources"
	apt() {
		(cd "$work" && apt-get -qq -o Dir::Etc::SourceList="$work/sources" -o Dir::Etc::SourceParts=/dev/null \
			-o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@")
	}
	apt update
	apt download cosign
	found=$(cd "$work" && echo cosign_*.deb)
	case $found in
	"cosign_$3"_*) echo "unpacking $found" >&2 ;;
	"cosign_$2."*) echo "unpacking $found, which $1 has now in place of $3" >&2 ;;
	*) echo "install.sh: $1 has $found now, and some cosign $2 is needed" >&2; exit 1 ;;
	esac
	dpkg-deb -x "$work/$found" "$work/root"
	mkdir -p "$to"
	dpkg-deb -f "$work/$found" Version >"$to/version"
	mv "$work/root/usr/bin/cosign" "$to/cosign"
	rm -rf "$work"
}
cosign trixie 2.5 2.5.0-2+b5
cosign sid 3.1 3.1.1-2
