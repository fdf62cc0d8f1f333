#!/bin/sh
# Builds the two images of one pipe from a filled dist folder, as PIPE:VERSION and PIPE:VERSION-shell.
# usage: build.sh PIPE DIST [TAG]
# ARCH chooses the architecture (default: amd64).
set -eu
cd "$(dirname "$0")/.."
pipe=$1
dist=$2
arch=${ARCH:-amd64}
tag=${3:-${VERSION:-dev}}
# The same sources give the same image: nothing in it carries the time of the build.
epoch=${SOURCE_DATE_EPOCH:-0}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
description=$(sed -n 's/^description: "\(.*\)"$/\1/p' "pipes/$pipe/pipe.yml")
for stage in pipe shell; do
	case $stage in pipe) name=$pipe:$tag ;; shell) name=$pipe:$tag-shell ;; esac
	buildah bud --isolation chroot --quiet --layers=false --arch "$arch" --timestamp "$epoch" \
		-f Dockerfiles/Dockerfile --target "$stage" --build-arg PIPE="$pipe" --build-arg TARGETARCH="$arch" --build-arg VERSION="${VERSION:-$tag}" \
		--build-arg REVISION="${REVISION:-}" --build-arg CREATED="$created" --build-arg DESCRIPTION="$description" \
		--build-context dist="$dist" -t "localhost/$name" .
done
