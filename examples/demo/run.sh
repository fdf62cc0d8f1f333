#!/bin/sh
# Runs security-pipe on an example tree, with a planted key and a small example database of advisories. Then signs an
# image in a registry in memory, attests the SBOM and the scan result to it, and verifies both. Needs a Rust toolchain
# and no other tool. The network is used only to fetch crates that are not there yet.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

build() {
	${CARGO:-cargo} build --locked -p security-pipe -p sign-pipe -p pipewright-harness --bin security-pipe \
		--bin sign-pipe --bin demo-registry
}
echo "Building security-pipe and sign-pipe. The first build takes a few minutes." >&2
if [ -t 2 ]; then
	build
else
	# A log has no progress bar: a line now and then instead of hundreds at once.
	build 2>"$work/log" &
	pid=$! seconds=0
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		seconds=$((seconds + 1))
		[ $((seconds % 15)) -ne 0 ] ||
			echo "Still building: $(grep -c '^ *Compiling' "$work/log") crates after $seconds s." >&2
	done
	wait "$pid" || { cat "$work/log" >&2; exit 1; }
fi
bin=$(dirname "$(ls -t "${CARGO_TARGET_DIR:-$root/target}"/*/debug/sign-pipe | head -n 1)")

cp -R examples/demo/app "$work/demo-app"
# It looks like a real key. It is random, so that the repository holds none.
key=AKIA$(LC_ALL=C tr -dc A-Z2-7 </dev/urandom | head -c 16)
printf '\nAWS_ACCESS_KEY_ID = "%s"\n' "$key" >>"$work/demo-app/app.py"
cd "$work/demo-app"

expect() { # expect CODE WHAT, after a command whose code is in $code
	[ "$code" -eq "$1" ] || { echo "demo: expected exit $1 ($2), got $code" >&2; exit 1; }
}

echo "\$ OSV_DB_PATH=advisories DB_MAX_AGE_DAYS=3650 security-pipe  # a planted key, old packages, a small example database"
code=0
OSV_DB_PATH=$root/examples/demo/advisories DB_MAX_AGE_DAYS=3650 "$bin/security-pipe" || code=$?
echo
expect 1 "the gate fails"
echo "The gate fails the run, as expected. GATE_MODE=warn reports the same findings and exits with 0:"
GATE_MODE=warn OSV_DB_PATH=$root/examples/demo/advisories DB_MAX_AGE_DAYS=3650 "$bin/security-pipe" | tail -n 1

# The registry runs until its input ends, with this shell.
mkfifo "$work/name" "$work/end"
"$bin/demo-registry" <"$work/end" >"$work/name" &
exec 3>"$work/end"
read -r image <"$work/name"
COSIGN_PASSWORD=$(LC_ALL=C tr -dc a-z0-9 </dev/urandom | head -c 24)
export COSIGN_PASSWORD

echo
echo "\$ ACTION=generate-key-pair sign-pipe"
ACTION=generate-key-pair "$bin/sign-pipe" | tail -n 1
echo
echo "\$ IMAGE=$image COSIGN_PRIVATE_KEY_FILE=cosign.key sign-pipe        # in a registry in memory"
IMAGE=$image COSIGN_PRIVATE_KEY_FILE=cosign.key "$bin/sign-pipe"
echo
echo "\$ SIGN=false COSIGN_PUBLIC_KEY_FILE=cosign.pub REQUIRE_ATTESTATIONS=sbom sign-pipe        # verify with the public key"
unset COSIGN_PASSWORD
SIGN=false IMAGE=$image COSIGN_PUBLIC_KEY_FILE=cosign.pub REQUIRE_ATTESTATIONS=sbom "$bin/sign-pipe"
echo
echo "REQUIRE_ATTESTATIONS=vuln fails: the scan covers the source tree instead of the image, and has a critical finding."
code=0
SIGN=false IMAGE=$image COSIGN_PUBLIC_KEY_FILE=cosign.pub REQUIRE_ATTESTATIONS=vuln "$bin/sign-pipe" >"$work/out" || code=$?
tail -n 1 "$work/out"
expect 1 "the policy is not met"
exec 3>&-
