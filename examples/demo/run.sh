#!/bin/sh
# Runs security-pipe on the example tree, with a key planted in it and the example's own advisories. No network, no other
# tool than a Rust toolchain.
set -eu
cd "$(dirname "$0")/../.."
${CARGO:-cargo} build --quiet --locked -p security-pipe
root=$PWD
pipe=$(ls -t "${CARGO_TARGET_DIR:-$root/target}"/*/debug/security-pipe | head -n 1)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cp -R examples/demo/app "$work/demo-app"
# Looks like a real key and is put together here, so that none stands in the repository.
key=AKIA$(LC_ALL=C tr -dc A-Z2-7 </dev/urandom | head -c 16)
printf '\nAWS_ACCESS_KEY_ID = "%s"\n' "$key" >>"$work/demo-app/app.py"
cd "$work/demo-app"

echo "\$ OSV_DB_PATH=advisories security-pipe        # a planted key, old packages, an example database of a few advisories"
code=0
OSV_DB_PATH=$root/examples/demo/advisories "$pipe" || code=$?
echo
if [ "$code" -ne 1 ]; then
	echo "demo: expected exit 1 (the gate fails), got $code" >&2
	exit 1
fi
echo "The gate fired, as it should. The same tree with GATE_MODE=warn, which reports and lets pass:"
GATE_MODE=warn OSV_DB_PATH=$root/examples/demo/advisories "$pipe" | tail -n 1
