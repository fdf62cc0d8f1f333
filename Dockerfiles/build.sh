#!/bin/sh
# Builds the two images of one pipe from a filled dist folder, as PIPE:VERSION and PIPE:VERSION-shell.
# usage: build.sh PIPE DIST [TAG]
set -eu
cd "$(dirname "$0")/.."
pipe=$1
dist=$2
tag=${3:-${VERSION:-dev}}
# The same sources give the same image: nothing in it carries the time of the build.
for stage in pipe shell; do
	case $stage in pipe) name=$pipe:$tag ;; shell) name=$pipe:$tag-shell ;; esac
	buildah bud --isolation chroot --quiet --layers=false --timestamp "${SOURCE_DATE_EPOCH:-0}" \
		-f Dockerfiles/Dockerfile --target "$stage" --build-arg PIPE="$pipe" --build-arg VERSION="${VERSION:-$tag}" \
		--build-arg REVISION="${REVISION:-}" --build-context dist="$dist" -t "localhost/$name" .
done
