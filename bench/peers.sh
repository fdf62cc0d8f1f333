#!/bin/sh
# Builds the peers that `make bench` measures against, from the Go modules pinned in peers/*/go.mod, and fetches the
# public tree they are run on. Everything goes to ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright/peers, once a version.
# usage: peers.sh [NAME...]
set -eu
cd "$(dirname "$0")/peers"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright/peers
command -v go >/dev/null 2>&1 || { echo "peers.sh: Go 1.26 or later is needed to build the peers" >&2; exit 1; }
[ $# -gt 0 ] || set -- */
for name in "$@"; do
	name=${name%/}
	bin=$cache/$name-$(cksum <"$name/go.sum" | cut -d ' ' -f 1)
	if [ ! -x "$bin/$name" ]; then
		echo "building $name" >&2
		experiment=
		[ "$name" != trivy ] || experiment=jsonv2
		(cd "$name" && GOEXPERIMENT=$experiment GOFLAGS=-mod=mod GOBIN=$bin go install -trimpath -ldflags '-s -w' tool)
	fi
	echo "$bin/$name"
done
