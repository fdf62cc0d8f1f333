#!/bin/sh
# Has sigstore's policy-controller judge, by the policies in examples/admission, what sign-pipe signed. The judge is the
# controller's own tester, built from the Go modules pinned in admission/go.mod, once a version, in
# ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright.
# usage: admission.sh SIGN-PIPE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ -x "${1:-}" ] || { echo "usage: admission.sh SIGN-PIPE" >&2; exit 2; }
pipe=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

root=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright
cache=$root/admission-$(cksum <"$here/admission/go.sum" | cut -d ' ' -f 1)
if [ ! -x "$cache/tester" ]; then
	command -v go >/dev/null 2>&1 || { echo "admission.sh: Go 1.26.8 or later is needed" >&2; exit 1; }
	echo "building policy-controller's tester" >&2
	(cd "$here/admission" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOBIN=$cache go install -trimpath -ldflags '-s -w' tool)
fi

work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
host=127.0.0.1:$port
"$root/components/helper" registry "$host" >/dev/null 2>&1 &
pid=$!
tries=100
until python3 "$here/../bench/sign/images.py" "$host" org/app:scanned org/app:tree org/app:signed org/app:unsigned 2>/dev/null; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || { echo "admission.sh: the registry doesn't start" >&2; exit 1; }
	sleep 0.1
done

cd "$work"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out key.pub
echo '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Trivy", "rules": []}}, "results": []}]}' >scan.sarif
sign() { # sign TAG VARIABLE=VALUE...
	image=$host/org/app:$1
	shift
	env -i IMAGE="$image" COSIGN_PRIVATE_KEY_FILE=key.pem SIGNATURE_FORMAT=bundle,legacy "$@" "$pipe" >out 2>&1 ||
		{ echo "admission.sh: signing $image failed" >&2; cat out >&2; exit 1; }
}
sign scanned SCAN_FILE=scan.sarif SCAN_TARGET=image
sign tree SCAN_FILE=scan.sarif SCAN_TARGET=tree
sign signed

judge() { # judge POLICY TAG PART: a part of the refusal, nothing where it is to be admitted
	python3 - "$here/../examples/admission/policy-controller-$1.yaml" "$host" <<-'END' >policy.yaml
		import sys
		key = open("key.pub").read().strip().split("\n")[1:-1]
		policy = open(sys.argv[1]).read().replace("ghcr.io/org", sys.argv[2] + "/org")
		assert "the lines of cosign.pub" in policy
		print(policy.replace("the lines of cosign.pub", ("\n" + 10 * " ").join(key)))
	END
	code=0
	"$cache/tester" --policy policy.yaml --image "$host/org/app:$2" --log-level error >out 2>&1 || code=$?
	if [ -z "$3" ] && [ "$code" -eq 0 ]; then return; fi
	if [ -n "$3" ] && [ "$code" -eq 1 ] && grep -qF "$3" out; then return; fi
	echo "admission.sh: by policy-controller-$1.yaml, $2 ends with $code, expected: ${3:-admitted}" >&2
	cat out >&2
	exit 1
}
for tag in scanned tree signed; do
	judge key "$tag" ""
done
judge key unsigned "no signatures found"
judge scanned scanned ""
judge scanned tree 'conflicting values \"tree\" and \"image\"'
judge scanned signed "no matching attestations"
judge scanned unsigned "no matching attestations"

echo "admission: policy-controller admits what our key signed and what was scanned as an image, and refuses an unsigned" \
	"image, one whose tree was scanned and one without a scan"
