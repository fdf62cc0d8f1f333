#!/bin/sh
# Runs fuzz targets on stable Rust. They look for panics, hangs and memory. No code of ours is unsafe, so a sanitizer would
# find nothing more. cargo-fuzz is installed on first use, by version.
# usage: run.sh SECONDS [TARGET...]
# New inputs go to fuzz/found/TARGET. Inputs that crash a target go to fuzz/artifacts/TARGET.
set -eu
cd "$(dirname "$0")"
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
version=0.13.2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright/cargo-fuzz-$version
if [ ! -x "$cache/bin/cargo-fuzz" ]; then
	# Outside of this workspace: its settings are not the tool's.
	(cd / && cargo install --quiet --locked --version "$version" --root "$cache" cargo-fuzz)
fi
[ $# -gt 0 ] || set -- $(sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"$|\1|p' Cargo.toml)
cargo_fuzz() { # cargo_fuzz COMMAND...
	command=$1
	shift
	PATH=$cache/bin:$PATH cargo fuzz "$command" --fuzz-dir . --sanitizer none "$@"
}
cargo_fuzz build
status=0
for target in "$@"; do
	mkdir -p "found/$target"
	# An input may take 10 seconds. The limits of memory leave room for what the fuzzer itself needs.
	cargo_fuzz run "$target" "found/$target" "corpus/$target" -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
		-malloc_limit_mb=256 -print_final_stats=1 || { echo "fuzz: $target failed" >&2; status=1; }
done
exit $status
