#!/bin/sh
# Licences, sources and bans of the dependencies, by cargo-deny; installed on first use, by version.
set -eu
cd "$(dirname "$0")/.."
version=0.20.2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright/cargo-deny-$version
if [ ! -x "$cache/bin/cargo-deny" ]; then
	# Outside of this workspace: its settings are not the tool's.
	(cd / && cargo install --quiet --locked --version "$version" --root "$cache" cargo-deny)
fi
exec "$cache/bin/cargo-deny" --log-level error check bans licenses sources
