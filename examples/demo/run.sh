#!/bin/sh
# Runs security-pipe on the example tree, with a key planted in it and the example's own advisories; then signs an image
# in a registry in memory, attests the SBOM and the scan result to it, and verifies all of it. No network, no other tool
# than a Rust toolchain.
set -eu
cd "$(dirname "$0")/../.."
${CARGO:-cargo} build --quiet --locked -p security-pipe -p sign-pipe -p pipewright-harness --bin security-pipe \
	--bin sign-pipe --bin demo-registry
root=$PWD
bin=$(dirname "$(ls -t "${CARGO_TARGET_DIR:-$root/target}"/*/debug/sign-pipe | head -n 1)")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cp -R examples/demo/app "$work/demo-app"
# Looks like a real key and is put together here, so that none stands in the repository.
key=AKIA$(LC_ALL=C tr -dc A-Z2-7 </dev/urandom | head -c 16)
printf '\nAWS_ACCESS_KEY_ID = "%s"\n' "$key" >>"$work/demo-app/app.py"
cd "$work/demo-app"

expect() { # expect CODE WHAT, after a command whose code is in $code
	[ "$code" -eq "$1" ] || { echo "demo: expected exit $1 ($2), got $code" >&2; exit 1; }
}

echo "\$ OSV_DB_PATH=advisories security-pipe        # a planted key, old packages, an example database of a few advisories"
code=0
OSV_DB_PATH=$root/examples/demo/advisories "$bin/security-pipe" || code=$?
echo
expect 1 "the gate fails"
echo "The gate fired, as it should. The same tree with GATE_MODE=warn, which reports and lets pass:"
GATE_MODE=warn OSV_DB_PATH=$root/examples/demo/advisories "$bin/security-pipe" | tail -n 1

# The registry runs until its input ends, which is when this shell does.
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
echo "\$ SIGN=false COSIGN_PUBLIC_KEY_FILE=cosign.pub REQUIRE_ATTESTATIONS=sbom sign-pipe        # somebody else, later"
unset COSIGN_PASSWORD
SIGN=false IMAGE=$image COSIGN_PUBLIC_KEY_FILE=cosign.pub REQUIRE_ATTESTATIONS=sbom "$bin/sign-pipe"
echo
echo "The same with REQUIRE_ATTESTATIONS=vuln: the scan was of the tree, and had a critical finding:"
code=0
SIGN=false IMAGE=$image COSIGN_PUBLIC_KEY_FILE=cosign.pub REQUIRE_ATTESTATIONS=vuln "$bin/sign-pipe" >"$work/out" || code=$?
tail -n 1 "$work/out"
expect 1 "the policy is not met"
exec 3>&-
