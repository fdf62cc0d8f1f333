#!/bin/sh
# Measures sign-pipe against cosign 3.1 on one registry with lists of referrers; prints tables.
# usage: run.sh SIGN-PIPE RUNS
# BASE_PIPE: another build, measured in place of the peer. Rows that break the rule go to the file BASE_BROKEN.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pipe=$1
runs=$2
"$here/../../tests/components/install.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright
cosign=$cache/cosign-sid/cosign
work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
host=127.0.0.1:$port
"$cache/components/helper" registry "$host" >/dev/null 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT INT TERM
while ! python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null; do sleep 0.05; done

# An image that is signed already would not be signed again: each round has its own.
names=
for round in $(seq 0 "$runs"); do
	for who in ours cosign; do
		names="$names one/$who:$round sbom/$who:$round index/$who:$round+4"
		for number in 0 1 2 3 4 5 6 7 8 9; do
			names="$names ten/$who:$round-$number"
		done
	done
	for number in $(seq 0 99); do
		names="$names hundred/ours:$round-$number"
	done
done
# shellcheck disable=SC2086 # words
python3 "$here/images.py" "$host" $names signed:1
several() { # several NAME LAST SEPARATOR
	for number in $(seq 0 "$2"); do
		[ "$number" -eq 0 ] || printf '%s' "$3"
		printf '%s/%s:{n}-%s' "$host" "$1" "$number"
	done
}
ten() { # ten WHO SEPARATOR
	several "ten/$1" 9 "$2"
}
(cd "$work" && COSIGN_PASSWORD=secret "$cosign" generate-key-pair 2>/dev/null)
# A CycloneDX document of 20 MB.
python3 - "$work/sbom.json" <<-'END'
	import json, sys
	components = [{"type": "library", "name": f"library-{n}", "version": "1.2.3", "purl": f"pkg:npm/library-{n}@1.2.3",
	               "description": "x" * 100} for n in range(90000)]
	json.dump({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}, open(sys.argv[1], "w"))
END

ours() { # ours VARIABLE=VALUE...
	echo "COSIGN_PASSWORD=secret WORKING_DIR=$work REPORTS_DIR=$work/reports ATTEST_SBOM=false ATTEST_PROVENANCE=false $* $pipe"
}
key="COSIGN_PRIVATE_KEY_FILE=$work/cosign.key"
theirs="--yes --key $work/cosign.key --allow-http-registry --use-signing-config=false --tlog-upload=false"
sign="COSIGN_PASSWORD=secret $cosign sign $theirs"
COSIGN_PASSWORD=secret "$cosign" sign $theirs "$host/signed:1" 2>/dev/null
table() {
	printf '\n%s:\n' "$1"
	shift
	printf '\n| | CPU s | wall s | peak MB | CPU | wall | memory | exit |\n|---|---|---|---|---|---|---|---|\n'
	python3 "$here/../measure.py" "$runs" "$@"
}

if [ -n "${BASE_PIPE:-}" ]; then
	compare() { # compare NAME IMAGES VARIABLE=VALUE...: WHO in IMAGES stands for the name of a build's own images
		name=$1 images=$2 code=0
		shift 2
		before=$(pipe=$BASE_PIPE; ours "$@" IMAGE="$(echo "$images" | sed 's/WHO/cosign/g')")
		now=$(ours "$@" IMAGE="$(echo "$images" | sed 's/WHO/ours/g')")
		python3 "$here/../compare.py" "$runs" "sign-pipe, $name" "$before" "$now" || code=$?
		case $code in 0) ;; 1) echo "sign-pipe, $name" >>"$BASE_BROKEN" ;; *) exit 1 ;; esac
	}
	compare "one image" "$host/one/WHO:{n}" "$key"
	compare "ten images" "$(ten WHO ,)" "$key"
	compare "an index" "$host/index/WHO:{n}" "$key" RECURSIVE=true
	compare "an SBOM" "$host/sbom/WHO:{n}" "$key" SBOM_FILE="$work/sbom.json" ATTEST_SBOM=true
	compare "verifying" "$host/signed:1" SIGN=false COSIGN_PUBLIC_KEY_FILE="$work/cosign.pub"
	exit 0
fi

cat <<-END
	With an encrypted key, into a registry on loopback that keeps lists of referrers, as bundles, without a log. The peer
	is Debian's cosign 3.1. sign-pipe also reads back and verifies what it wrote. Opening the key takes 64 MB by
	definition (scrypt), and most of the time that one image takes.
END
# scrypt is what opening the key takes (DRY_RUN=true, public-key), less the start of the program.
one=$(table "One image, with the start of each program and the opening of its key (\`DRY_RUN=true\`, \`public-key\`) alone" \
	"sign-pipe=$(ours "$key" IMAGE="$host/one/ours:{n}")" \
	"cosign sign=$sign $host/one/cosign:{n}" \
	"sign-pipe, key=$(ours "$key" DRY_RUN=true IMAGE="$host/one/ours:{n}")" \
	"cosign public-key=COSIGN_PASSWORD=secret $cosign public-key --key $work/cosign.key" \
	"sign-pipe --version=$pipe --version" \
	"cosign version=$cosign version")
echo "$one"
echo "$one" | awk -F' *[|] *' '
	{ cpu[$2] = $3 }
	END {
		ours = cpu["sign-pipe"] - cpu["sign-pipe, key"] + cpu["sign-pipe --version"]
		theirs = cpu["cosign sign"] - cpu["cosign public-key"] + cpu["cosign version"]
		printf "\nBeyond scrypt: sign-pipe %.3f s, cosign %.3f s of CPU.\n", ours, theirs
	}'
table "A hundred images in one call" "sign-pipe=$(ours "$key" IMAGE="$(several hundred/ours 99 ,)")"
table "Ten images in one call" \
	"sign-pipe=$(ours "$key" IMAGE="$(ten ours ,)")" \
	"cosign sign=$sign $(ten cosign ' ')"
table "An index of four platforms, with each of them" \
	"sign-pipe=$(ours "$key" IMAGE="$host/index/ours:{n}" RECURSIVE=true)" \
	"cosign sign --recursive=$sign --recursive $host/index/cosign:{n}"
table "One image and an SBOM of $(($(stat -c %s "$work/sbom.json") / 1000000)) MB (cosign attests only, sign-pipe signs the image too)" \
	"sign-pipe=$(ours "$key" IMAGE="$host/sbom/ours:{n}" SBOM_FILE="$work/sbom.json" | sed 's/ATTEST_SBOM=false/ATTEST_SBOM=true/')" \
	"cosign attest=COSIGN_PASSWORD=secret $cosign attest $theirs --type cyclonedx --predicate $work/sbom.json $host/sbom/cosign:{n}"
table "Verifying one image" \
	"sign-pipe=$(ours SIGN=false IMAGE="$host/signed:1" COSIGN_PUBLIC_KEY_FILE="$work/cosign.pub")" \
	"cosign verify=$cosign verify --key $work/cosign.pub --insecure-ignore-tlog --allow-http-registry $host/signed:1"
