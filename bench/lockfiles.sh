#!/bin/sh
# Lays out what security-pipe and osv-scanner are both run on, below WORK: lockfiles/ without the formats that this version
# does not read, and osv-scalibr/, the advisories as osv-scanner expects them.
# usage: lockfiles.sh DATA WORK
set -eu
data=$1
work=$2
cp -R "$data/lockfiles" "$work/lockfiles"
find "$work/lockfiles" \( -name yarn.lock -o -name pnpm-lock.yaml \) -delete
for zip in "$data"/osv/*/all.zip; do
	name=$(basename "$(dirname "$zip")")
	case $name in crates-io) name=crates.io ;; esac
	mkdir -p "$work/osv-scalibr/$name"
	cp "$zip" "$work/osv-scalibr/$name/all.zip"
done
