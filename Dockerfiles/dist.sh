#!/bin/sh
# Fills $DIST (default: dist) with what images are made of, for one architecture:
#   common/            CA bundle, passwd, group
#   shell/ARCH/bin/    busybox and its names, for the images with a shell
#   ARCH/PIPE          the binaries
# usage: dist.sh ARCH PIPE...
# PROFILE chooses the cargo profile (default: dist). Each pipe is built alone, so that none inherits another's features.
set -eu
cd "$(dirname "$0")/.."
arch=$1
shift
out=${DIST:-dist}
profile=${PROFILE:-dist}
case $arch in
amd64) target=x86_64-unknown-linux-gnu ;;
arm64) target=aarch64-unknown-linux-musl ;;
*) echo "dist.sh: unknown architecture $arch: expected amd64 or arm64" >&2; exit 2 ;;
esac
case $profile in dev) folder=debug ;; *) folder=$profile ;; esac

mkdir -p "$out/common/etc/ssl/certs" "$out/$arch" "$out/shell/$arch/bin"
cp Dockerfiles/rootfs/etc/passwd Dockerfiles/rootfs/etc/group "$out/common/etc/"
bundle=${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}
[ -s "$bundle" ] || { echo "dist.sh: no CA bundle at $bundle: install ca-certificates" >&2; exit 3; }
cp "$bundle" "$out/common/etc/ssl/certs/ca-certificates.crt"

# The busybox of the build machine serves its own architecture only.
case $(uname -m)-$arch in
x86_64-amd64 | aarch64-arm64)
	busybox=$(command -v busybox) || { echo "dist.sh: no busybox: install busybox-static" >&2; exit 3; }
	cp "$busybox" "$out/shell/$arch/bin/busybox"
	for name in sh cat ls cp mv rm mkdir test echo env grep sed head tail sleep tr true false; do
		ln -sf busybox "$out/shell/$arch/bin/$name"
	done
	;;
esac

for pipe in "$@"; do
	cargo build --locked --profile "$profile" --target "$target" -p "$pipe" --bin "$pipe"
	cp "${CARGO_TARGET_DIR:-target}/$target/$folder/$pipe" "$out/$arch/$pipe"
	chmod 0755 "$out/$arch/$pipe"
done
find "$out/common" -type f -exec chmod 0644 {} +
