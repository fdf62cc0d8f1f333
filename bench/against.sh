#!/bin/sh
# Measures this commit against BASE, another one: time, memory and image size of every row of the benchmark page. The two
# builds run in turn. Writes the ratios to docs/benchmarks.md, and exits with 1 if a row breaks the rule: above 50 ms of
# CPU at most 5 % slower, below at most 3 ms, an image at most 3 % larger.
# usage: against.sh BASE
# RUNS (default 15), ROWS (default "scan notify sign start size"), BENCH_DATA as for run.sh. BASE's binaries and images are
# built in a worktree of their own and kept by commit in ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright. BASE_DIST and DIST
# name folders with binaries that are there already.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
base=$(git rev-parse --short=12 --verify "$1^{commit}")
runs=${RUNS:-15}
rows=${ROWS:-scan notify sign start size}
data=${BENCH_DATA:-$root/../shared/data}
pipes="security-pipe notify-pipe sign-pipe"
work=$(mktemp -d)
tree=
clean() {
	chmod -R u+w "$work"
	rm -rf "$work"
	[ -z "$tree" ] || git worktree remove --force "$tree"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

images() { # images FOLDER DIST TAG: builds the images that FOLDER describes
	for name in $pipes; do
		(cd "$1" && ./Dockerfiles/build.sh "$name" "$2" "$3" >/dev/null)
	done
}
if [ -z "${BASE_DIST:-}" ]; then
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright/bench-$base
	BASE_DIST=$cache/amd64
	if [ ! -e "$cache/done" ]; then
		tree=$work/base
		git worktree add --quiet --detach "$tree" "$base"
		# shellcheck disable=SC2086 # words
		(cd "$tree" && CARGO_TARGET_DIR=$tree/target DIST=$tree/dist ./Dockerfiles/dist.sh amd64 $pipes)
		images "$tree" dist "bench-$base"
		mkdir -p "$cache"
		cp -R "$tree/dist/amd64" "$cache/"
		git worktree remove --force "$tree"
		tree=
		: >"$cache/done"
	fi
fi
if [ -z "${DIST:-}" ]; then
	# shellcheck disable=SC2086 # words
	./Dockerfiles/dist.sh amd64 $pipes
	images "$root" dist bench
	DIST=$root/dist/amd64
fi

# What broke the rule, a line each.
: >"$work/broken"
export BASE_BROKEN="$work/broken"
compare() { # compare NAME BASE-COMMAND COMMAND
	code=0
	python3 bench/compare.py "$runs" "$@" || code=$?
	case $code in 0) ;; 1) echo "$1" >>"$work/broken" ;; *) exit 1 ;; esac
}
ours() { # ours DIST VARIABLE=VALUE...
	dist=$1
	shift
	echo "$* GATE_MODE=warn REPORTS_DIR=$work/reports $dist/security-pipe"
}
both() { # both NAME VARIABLE=VALUE...
	name=$1
	shift
	compare "security-pipe, $name" "$(ours "$BASE_DIST" "$@")" "$(ours "$DIST" "$@")"
}
has() { case " $rows " in *" $1 "*) ;; *) return 1 ;; esac; }

{
	printf '\n## Against %s\n\n' "$base"
	printf 'Medians of %s runs in turn. The ratios are to %s.\n\n' "$runs" "$base"
	echo '| | CPU s then | CPU s now | CPU | wall | memory | |'
	echo '|---|---|---|---|---|---|---|'
	if has scan; then
		GOMODCACHE=$work/modules GOFLAGS=-mod=mod go mod download -modcacherw github.com/argoproj/argo-cd/v2@v2.8.0
		./bench/lockfiles.sh "$data" "$work"
		both secrets "WORKING_DIR=$work/modules/github.com/argoproj/argo-cd/v2@v2.8.0" SCA_SCAN=false SBOM_GENERATE=false
		both "zips" "WORKING_DIR=$work/lockfiles" SECRETS_SCAN=false SBOM_GENERATE=false "OSV_DB_PATH=$data/osv"
		# Each build reads the index that it compiled.
		for dist in "$BASE_DIST" "$DIST"; do
			OSV_DB_PATH=$data/osv OSV_DB_COMPILE=$work/$(printf %s "$dist" | cksum | cut -d ' ' -f 1).idx \
				REPORTS_DIR=$work/r "$dist/security-pipe" >/dev/null
		done
		index() {
			ours "$1" "WORKING_DIR=$work/lockfiles" SECRETS_SCAN=false SBOM_GENERATE=false \
				"OSV_DB_PATH=$work/$(printf %s "$1" | cksum | cut -d ' ' -f 1).idx"
		}
		compare "security-pipe, index" "$(index "$BASE_DIST")" "$(index "$DIST")"
		both SBOM "WORKING_DIR=$work/lockfiles" SECRETS_SCAN=false SCA_SCAN=false
	fi
	if has notify; then BASE_PIPE=$BASE_DIST/notify-pipe ./bench/notify/run.sh "$DIST/notify-pipe" "$runs"; fi
	if has sign; then BASE_PIPE=$BASE_DIST/sign-pipe ./bench/sign/run.sh "$DIST/sign-pipe" "$runs"; fi
	if has start; then
		for name in $pipes; do
			compare "$name --version" "$BASE_DIST/$name --version" "$DIST/$name --version"
		done
	fi
	if has size; then
		printf '\n| compressed, bytes | then | now | |\n|---|---|---|---|\n'
		for name in $pipes; do
			for shell in "" -shell; do
				for tag in "bench-$base" bench; do
					buildah push --quiet "localhost/$name:$tag$shell" "oci:$work/$name-$tag$shell" >/dev/null
				done
				then=$(du -sb "$work/$name-bench-$base$shell" | cut -f 1)
				now=$(du -sb "$work/$name-bench$shell" | cut -f 1)
				verdict=ok
				if [ $((now * 100)) -gt $((then * 103)) ]; then
					verdict="too large"
					echo "the image $name$shell" >>"$work/broken"
				fi
				printf '| %s%s | %s | %s | %s |\n' "$name" "$shell" "$then" "$now" "$verdict"
			done
		done
	fi
} >"$work/section.md"
cat "$work/section.md"
# In place of an earlier section, which is the last one of the page.
sed '/^## Against /,$d' docs/benchmarks.md | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$work/page.md"
cat "$work/section.md" >>"$work/page.md"
cp "$work/page.md" docs/benchmarks.md
[ ! -s "$work/broken" ] || { sed 's/^/bench: breaks the rule: /' "$work/broken" >&2; exit 1; }
