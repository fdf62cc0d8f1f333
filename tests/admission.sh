#!/bin/sh
# Has sigstore's policy-controller and Kyverno judge, by the policies in examples/admission, what sign-pipe signed with a
# key, and keyless by a private Sigstore. They are built from the Go modules pinned in admission/*/go.mod, once a version,
# in ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright.
# usage: admission.sh SIGN-PIPE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ -x "${1:-}" ] || { echo "usage: admission.sh SIGN-PIPE" >&2; exit 2; }
pipe=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright

build() { # build NAME PROGRAM PACKAGE: sets $built
	built=$root/admission-$1-$(find "$here/admission/$1" -type f -exec cat {} + | cksum | cut -d ' ' -f 1)/$2
	[ ! -x "$built" ] || return 0
	command -v go >/dev/null 2>&1 || { echo "admission.sh: Go 1.26.8 or later is needed" >&2; exit 1; }
	echo "building $1" >&2
	(cd "$here/admission/$1" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOBIN=$(dirname "$built") \
		go install -trimpath -ldflags '-s -w' "$3")
}
build policy-controller judge ./judge
policy_controller=$built
build kyverno kubectl-kyverno tool
kyverno=$built

work=$(mktemp -d)
pids=
trap 'exec 8>&-; [ -z "$pids" ] || kill -KILL $pids 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"
fail() {
	echo "admission.sh: $1" >&2
	cat out >&2
	exit 1
}
eventually() { # eventually NAME COMMAND...
	name=$1 tries=300
	shift
	until "$@" >out 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "$name doesn't start"
		sleep 0.1
	done
}
address() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print("127.0.0.1:%d" % s.getsockname()[1])'
}

host=$(address)
"$root/components/helper" registry "$host" >/dev/null 2>&1 &
pids="$pids $!"
eventually "the registry" python3 "$here/../bench/sign/images.py" "$host" \
	org/app:scanned org/app:tree org/app:signed org/app:bundle org/app:release org/app:unsigned
# It runs until its input ends, which is when this script does.
mkfifo input
"$(dirname "$pipe")/private-sigstore" <input >sigstore 2>errors &
exec 8>input
eventually "the private Sigstore" grep -q '^SIGSTORE_ID_TOKEN=' sigstore
trusted_root=$(sed -n 's/^TRUSTED_ROOT_FILE=//p' sigstore)
# How it is published.
"$root/components/helper" tuf repository "$trusted_root"
mirror=$(address)
python3 -m http.server --bind 127.0.0.1 --directory repository "${mirror#*:}" >/dev/null 2>&1 &
pids="$pids $!"
eventually "the TUF repository" curl --silent --fail "http://$mirror/timestamp.json"

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out key.pub
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | openssl pkey -pubout -out other.pub
echo '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Trivy", "rules": []}}, "results": []}]}' >scan.sarif
sign() { # sign TAG VARIABLE=VALUE...
	image=$host/org/app:$1
	shift
	env -i IMAGE="$image" "$@" "$pipe" >out 2>&1 || fail "signing $image failed"
}
both=SIGNATURE_FORMAT=bundle,legacy
sign scanned COSIGN_PRIVATE_KEY_FILE=key.pem $both SCAN_FILE=scan.sarif SCAN_TARGET=image
sign tree COSIGN_PRIVATE_KEY_FILE=key.pem $both SCAN_FILE=scan.sarif SCAN_TARGET=tree
sign signed COSIGN_PRIVATE_KEY_FILE=key.pem $both
sign bundle COSIGN_PRIVATE_KEY_FILE=key.pem
# shellcheck disable=SC2046 # variables without spaces
sign release $(cat sigstore)

# The policies as a user would fill them in, and some of others.
python3 - "$here/../examples/admission" "$host" "http://$mirror" <<-'END'
	import base64, sys
	examples, host, mirror = sys.argv[1:]
	sigstore = dict(line.strip().split("=", 1) for line in open("sigstore"))
	root = base64.b64encode(open("repository/1.root.json", "rb").read()).decode()

	def fill(name, changes, to=None):
	    policy = open(f"{examples}/{name}.yaml").read()
	    for old, new in ({"ghcr.io/org": host + "/org"} | changes).items():
	        assert old in policy, f"{name}: {old}"
	        policy = policy.replace(old, new)
	    open((to or name) + ".yaml", "w").write(policy)

	def key(file, indent):
	    return {"the lines of cosign.pub": ("\n" + indent * " ").join(open(file).read().split("\n")[1:-2])}

	issuer = {"https://token.actions.githubusercontent.com": sigstore["CERTIFICATE_OIDC_ISSUER"]}
	for engine, indent, private in (
	    ("policy-controller", 10, {"https://fulcio.sigstore.dev": sigstore["FULCIO_URL"] + "\n        trustRootRef: private"}),
	    ("kyverno", 12, {"        keyless:": f"        tuf: {{mirror: {mirror}, root: {{data: {root}}}}}\n        keyless:"}),
	):
	    for policy in ("key", "scanned"):
	        fill(f"{engine}-{policy}", key("key.pub", indent))
	        fill(f"{engine}-{policy}", key("other.pub", indent), f"{engine}-{policy}-other")
	    fill(f"{engine}-keyless", private | issuer)
	    fill(f"{engine}-keyless", private | issuer | {"refs/heads/main": "refs/heads/release"}, f"{engine}-branch")
	    fill(f"{engine}-keyless", private, f"{engine}-issuer")
END

verdict() { # verdict CODE EXPECTED POLICY IMAGE: EXPECTED is a part of the refusal, nothing where it is to be admitted
	if [ -z "$2" ] && [ "$1" -eq 0 ]; then return; fi
	if [ -n "$2" ] && [ "$1" -eq 1 ] && grep -qF -e "$2" out; then return; fi
	fail "by $3, $4 ends with $1, expected: ${2:-admitted}"
}
policy_controller() { # policy_controller POLICY TAG EXPECTED
	code=0
	"$policy_controller" "policy-controller-$1.yaml" "$trusted_root" "$host/org/app:$2" >out 2>&1 || code=$?
	verdict "$code" "$3" "policy-controller-$1" "$2"
}
kyverno() { # kyverno POLICY TAG EXPECTED [KIND-OF-CONTAINERS]: Kyverno wants to see a digest
	digest=$(curl --silent --fail --head --header 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"http://$host/v2/org/app/manifests/$2" | tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p')
	printf '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": "shop"}, "spec": {"%s": [%s]}}' \
		"${4:-containers}" "{\"name\": \"app\", \"image\": \"$host/org/app@$digest\"}" >pod.yaml
	code=0
	env -i HOME="$work" "$kyverno" apply "kyverno-$1.yaml" --resource pod.yaml --registry --remove-color -v 4 >out 2>&1 ||
		code=$?
	[ "$code" -ne 0 ] || grep -q '^pass: 1, fail: 0, warn: 0, error: 0' out || code=2
	[ "$code" -ne 1 ] || grep -q '^pass: 0, fail: 1, warn: 0, error: 0' out || code=2
	verdict "$code" "$3" "kyverno-$1" "$2"
}

for tag in scanned tree signed; do
	policy_controller key "$tag" ""
	kyverno key "$tag" ""
done
policy_controller key bundle "no signatures found"
policy_controller key unsigned "no signatures found"
policy_controller key-other signed "invalid signature"
policy_controller scanned scanned ""
policy_controller scanned tree 'conflicting values "tree" and "image"'
policy_controller scanned signed "no matching attestations"
policy_controller scanned unsigned "no matching attestations"
policy_controller scanned-other scanned "accepted signatures do not match threshold"
policy_controller keyless release ""
policy_controller keyless signed "not enough verified log entries"
policy_controller keyless unsigned "no valid bundles exist"
policy_controller branch release "expected SAN value"
policy_controller issuer release "expected issuer value"

kyverno key bundle ""
kyverno key signed "" initContainers
kyverno key unsigned "no signatures found"
kyverno key unsigned "no signatures found" initContainers
kyverno key-other signed "could not verify envelope"
kyverno scanned scanned ""
kyverno scanned tree "not the image was scanned"
kyverno scanned signed "required predicate type"
kyverno scanned unsigned "no matching attestations"
kyverno scanned-other scanned "could not verify envelope"
kyverno keyless release ""
kyverno keyless signed "not enough verified log entries"
kyverno keyless unsigned "no signatures found"
kyverno branch release "expected SAN value"
kyverno issuer release "expected issuer value"

echo "admission: policy-controller and Kyverno admit what our key signed, what was scanned as an image and what our" \
	"workflow signed, and refuse an unsigned image, one whose tree was scanned, one without a scan, and what another key" \
	"signed, another branch or another issuer's identity"
