#!/bin/sh
# Runs security-pipe and osv-scanner on the same lockfiles with the same advisories, and compares what they name.
# usage: agree.sh SECURITY-PIPE
# BENCH_DATA: the folder with lockfiles/ and osv/ (public data that is not part of this repository).
set -eu
cd "$(dirname "$0")/.."
data=${BENCH_DATA:-$PWD/../shared/data}
[ -d "$data/lockfiles" ] && [ -d "$data/osv" ] || { echo "agree.sh: no lockfiles and osv in $data: set BENCH_DATA" >&2; exit 1; }
pipe=$1
osv=$(./bench/peers.sh osv-scanner | tail -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
./bench/lockfiles.sh "$data" "$work"
OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY=$work "$osv" scan source --offline --no-resolve -r --format json "$work/lockfiles" \
	>"$work/theirs.json" 2>/dev/null || [ $? -eq 1 ]
env -i GATE_MODE=warn SECRETS_SCAN=false WORKING_DIR="$work/lockfiles" REPORTS_DIR="$work/reports" \
	OSV_DB_PATH="$data/osv" "$pipe" >/dev/null 2>&1
python3 bench/same.py "$work/reports/security-pipe-report.json" "$work/theirs.json" "$work/lockfiles"
