#!/bin/sh
# Measures the pipes against their peers and rewrites docs/benchmarks.md. Each table is one run of all its rows, in
# turn, so that only its ratios mean something on another machine.
# BENCH_DATA: the folder with lockfiles/ and osv/ (public data that is not part of this repository).
set -eu
cd "$(dirname "$0")/.."
root=$PWD
data=${BENCH_DATA:-$root/../shared/data}
runs=${RUNS:-5}
[ -d "$data/lockfiles" ] && [ -d "$data/osv" ] || { echo "bench: no lockfiles and osv in $data: set BENCH_DATA" >&2; exit 1; }

./Dockerfiles/dist.sh amd64 security-pipe notify-pipe sign-pipe
pipe=$root/dist/amd64/security-pipe
notify=$root/dist/amd64/notify-pipe
sign=$root/dist/amd64/sign-pipe
for name in security-pipe notify-pipe sign-pipe; do
	./Dockerfiles/build.sh "$name" dist bench >/dev/null
done
peer() { ./bench/peers.sh "$1" | tail -n 1; }
gitleaks=$(peer gitleaks)
osv=$(peer osv-scanner)
syft=$(peer syft)
trivy=$(peer trivy)

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT INT TERM

# A public tree: 49 MB, 3,091 files.
GOMODCACHE=$work/modules GOFLAGS=-mod=mod go mod download -modcacherw github.com/argoproj/argo-cd/v2@v2.8.0
tree=$work/modules/github.com/argoproj/argo-cd/v2@v2.8.0
./bench/lockfiles.sh "$data" "$work"
OSV_DB_PATH=$data/osv OSV_DB_COMPILE=$work/advisories.idx REPORTS_DIR=$work/r "$pipe" >/dev/null

ours() { # ours DIR VARIABLE=VALUE...
	dir=$1
	shift
	echo "$* GATE_MODE=warn WORKING_DIR=$dir REPORTS_DIR=$work/reports $pipe"
}
table() {
	printf '\n| | CPU s | wall s | peak MB | CPU | wall | memory | exit |\n|---|---|---|---|---|---|---|---|\n'
	python3 bench/measure.py "$@"
}

{
	cat <<-END
		# Benchmarks

		<!-- Written by \`make bench\`; changes here are overwritten. -->

		Whole processes, medians of $runs runs after one that is not counted, each table in one run on a machine of
		$(nproc) cores. The ratios are to the first row. Every tool has its own default rules. Measure again with
		\`make bench\` (it builds the peers from their Go modules, and takes the data from \`BENCH_DATA\`).

		security-pipe $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1), gitleaks 8.28.0, trivy 0.69.0, osv-scanner 2.5.0, syft 1.52.0.

		## Secrets

		The public Go module github.com/argoproj/argo-cd/v2@v2.8.0: $(find "$tree" -type f | wc -l) files, $(du -sm --apparent-size "$tree" | cut -f 1) MB.
	END
	table "$runs" \
		"security-pipe=$(ours "$tree" SCA_SCAN=false SBOM_GENERATE=false)" \
		"gitleaks=$gitleaks dir --no-banner --exit-code 0 $tree" \
		"trivy=$trivy fs --scanners secret --offline-scan --skip-version-check --cache-dir $work/trivy $tree"
	cat <<-END

		## Dependencies

		Poetry, requirements, npm, Cargo and Go lockfiles of five public projects, against OSV's published zips and against
		the index compiled from them ($(du -k "$work/advisories.idx" | cut -f 1) KB).
	END
	table "$runs" \
		"security-pipe, zips=$(ours "$work/lockfiles" SECRETS_SCAN=false SBOM_GENERATE=false OSV_DB_PATH=$data/osv)" \
		"security-pipe, index=$(ours "$work/lockfiles" SECRETS_SCAN=false SBOM_GENERATE=false OSV_DB_PATH=$work/advisories.idx)" \
		"osv-scanner=OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY=$work $osv scan source --offline --no-resolve -r --format json $work/lockfiles"
	printf '\nBoth name the same advisories: %s\n' "$(./bench/agree.sh "$pipe")"
	cat <<-END

		## SBOM

		The same lockfiles to CycloneDX.
	END
	table "$runs" \
		"security-pipe=$(ours "$work/lockfiles" SECRETS_SCAN=false SCA_SCAN=false)" \
		"syft=SYFT_CHECK_FOR_APP_UPDATE=false $syft scan dir:$work/lockfiles -o cyclonedx-json"
	cat <<-END

		## Memory

		Trees of made-up packages with checksums and edges (bench/large.py), with both SBOMs and every scan and report, against
		OSV's zips; one run each. \`allowed\` is 64 MB and five times the largest document. A tree above a limit ends with 3.

		| | size | peak MB | allowed MB | CPU s | wall s | exit |
		|---|---|---|---|---|---|---|
	END
	python3 bench/memory.py "$pipe" "$data/osv"
	printf '\n## Notifications\n\n'
	./bench/notify/run.sh "$notify" "$runs"
	printf '\n## Signatures\n\n'
	./bench/sign/run.sh "$sign" "$runs"
	cat <<-END

		## Start and size
	END
	table 20 "security-pipe --version=$pipe --version" "notify-pipe --version=$notify --version" \
		"sign-pipe --version=$sign --version" "gitleaks version=$gitleaks version" "syft version=$syft version"
	printf '\n| compressed, bytes | image | with a shell | binary (gzip -9) | binary as it is |\n|---|---|---|---|---|\n'
	for name in security-pipe notify-pipe sign-pipe; do
		for image in bench bench-shell; do
			buildah push --quiet "localhost/$name:$image" "oci:$work/$name-$image" >/dev/null
		done
		binary=$root/dist/amd64/$name
		printf '| %s | %s | %s | %s | %s |\n' "$name" "$(du -sb "$work/$name-bench" | cut -f 1)" \
			"$(du -sb "$work/$name-bench-shell" | cut -f 1)" "$(gzip -9 <"$binary" | wc -c)" "$(stat -c %s "$binary")"
	done
} >"$work/benchmarks.md"
# The comparison with another commit, which against.sh wrote, stays.
sed -n '/^## Against /,$p' docs/benchmarks.md >"$work/against.md"
[ ! -s "$work/against.md" ] || { echo; cat "$work/against.md"; } >>"$work/benchmarks.md"
cp "$work/benchmarks.md" docs/benchmarks.md
cat docs/benchmarks.md
