#!/bin/sh
# Has sigstore's policy-controller judge, by the policies in examples/admission, what sign-pipe signed with a key, and
# keyless by a private Sigstore. The judge is the controller's own code, built from the Go modules pinned in
# admission/go.mod, once a version, in ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright.
# usage: admission.sh SIGN-PIPE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ -x "${1:-}" ] || { echo "usage: admission.sh SIGN-PIPE" >&2; exit 2; }
pipe=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

root=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright
cache=$root/admission-$(cat "$here/admission/go.sum" "$here/admission/main.go" | cksum | cut -d ' ' -f 1)
if [ ! -x "$cache/admission" ]; then
	command -v go >/dev/null 2>&1 || { echo "admission.sh: Go 1.26.8 or later is needed" >&2; exit 1; }
	echo "building policy-controller's code" >&2
	(cd "$here/admission" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOBIN=$cache go install -trimpath -ldflags '-s -w' .)
fi

work=$(mktemp -d)
pid=
trap 'exec 8>&-; [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"
fail() {
	echo "admission.sh: $1" >&2
	cat out >&2
	exit 1
}

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
host=127.0.0.1:$port
"$root/components/helper" registry "$host" >/dev/null 2>&1 &
pid=$!
tries=100
until python3 "$here/../bench/sign/images.py" "$host" org/app:scanned org/app:tree org/app:signed org/app:unsigned \
	org/app:release 2>out; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || fail "the registry doesn't start"
	sleep 0.1
done

# It runs until its input ends, which is when this script does.
mkfifo input
"$(dirname "$pipe")/private-sigstore" <input >sigstore 2>out &
exec 8>input
tries=300
until grep -q '^SIGSTORE_ID_TOKEN=' sigstore; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || fail "the private Sigstore doesn't start"
	sleep 0.1
done

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out key.pub
echo '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Trivy", "rules": []}}, "results": []}]}' >scan.sarif
sign() { # sign TAG VARIABLE=VALUE...
	image=$host/org/app:$1
	shift
	env -i IMAGE="$image" "$@" "$pipe" >out 2>&1 || fail "signing $image failed"
}
by_key="COSIGN_PRIVATE_KEY_FILE=key.pem SIGNATURE_FORMAT=bundle,legacy"
# shellcheck disable=SC2086 # variables without spaces
{
	sign scanned $by_key SCAN_FILE=scan.sarif SCAN_TARGET=image
	sign tree $by_key SCAN_FILE=scan.sarif SCAN_TARGET=tree
	sign signed $by_key
}
# shellcheck disable=SC2046 # the same
sign release $(cat sigstore)

# The policies as a user would fill them in.
python3 - "$here/../examples/admission" "$host" <<-'END'
	import sys
	examples, host = sys.argv[1:]
	sigstore = dict(line.strip().split("=", 1) for line in open("sigstore"))
	key = open("key.pub").read().strip().split("\n")[1:-1]

	def fill(name, changes):
	    policy = open(f"{examples}/policy-controller-{name}.yaml").read()
	    for old, new in changes.items():
	        assert old in policy, f"{name}: {old}"
	        policy = policy.replace(old, new)
	    open(f"{name}.yaml", "w").write(policy)

	image = {"ghcr.io/org": host + "/org"}
	for name in ("key", "scanned"):
	    fill(name, image | {"the lines of cosign.pub": ("\n" + 10 * " ").join(key)})
	private = image | {
	    "https://fulcio.sigstore.dev": sigstore["FULCIO_URL"] + "\n        trustRootRef: private",
	    "https://token.actions.githubusercontent.com": sigstore["CERTIFICATE_OIDC_ISSUER"],
	}
	fill("keyless", private)
	written = open("keyless.yaml").read()
	for name, old, new in (
	    ("other-branch", "refs/heads/main", "refs/heads/release"),
	    ("other-issuer", sigstore["CERTIFICATE_OIDC_ISSUER"], "https://token.actions.githubusercontent.com"),
	):
	    assert old in written
	    open(name + ".yaml", "w").write(written.replace(old, new))
END

trusted_root=$(sed -n 's/^TRUSTED_ROOT_FILE=//p' sigstore)
judge() { # judge POLICY TAG PART: a part of the refusal, nothing where it is to be admitted
	code=0
	"$cache/admission" "$1.yaml" "$trusted_root" "$host/org/app:$2" >out 2>&1 || code=$?
	if [ -z "$3" ] && [ "$code" -eq 0 ]; then return; fi
	if [ -n "$3" ] && [ "$code" -eq 1 ] && grep -qF "$3" out; then return; fi
	fail "by $1.yaml, $2 ends with $code, expected: ${3:-admitted}"
}
for tag in scanned tree signed; do
	judge key "$tag" ""
done
judge key unsigned "no signatures found"
judge scanned scanned ""
judge scanned tree 'conflicting values \"tree\" and \"image\"'
judge scanned signed "no matching attestations"
judge scanned unsigned "no matching attestations"
judge keyless release ""
judge keyless signed "not enough verified log entries"
judge keyless unsigned "no valid bundles exist"
judge other-branch release 'expected SAN value "https://github.com/org/app/.github/workflows/release.yml@refs/heads/release"'
judge other-issuer release 'expected issuer value "https://token.actions.githubusercontent.com"'

echo "admission: policy-controller admits what our key signed, what was scanned as an image and what our workflow signed," \
	"and refuses an unsigned image, one whose tree was scanned, one without a scan, one of a key where a workflow is" \
	"wanted, and one of another branch or issuer"
