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
auditable=0.7.7
case $arch in
amd64) target=x86_64-unknown-linux-gnu ;;
arm64) target=aarch64-unknown-linux-musl ;;
*) echo "dist.sh: unknown architecture $arch: expected amd64 or arm64" >&2; exit 2 ;;
esac
case $profile in dev) folder=debug ;; *) folder=$profile ;; esac

# Prepares for a build, which needs more than the files of an image do.
prepare() {
	# Rust installs the standard library of the host only.
	! command -v rustup >/dev/null || rustup target add "$target"
	if [ "$arch" = arm64 ]; then
		# The C code of ring calls no C library, so that a compiler for glibc serves for musl.
		case $(uname -m) in aarch64) cc=cc ;; *) cc=aarch64-linux-gnu-gcc ;; esac
		command -v $cc >/dev/null || { echo "dist.sh: no $cc: install gcc-aarch64-linux-gnu and libc6-dev-arm64-cross" >&2; exit 3; }
		export CC_aarch64_unknown_linux_musl=$cc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=$cc
	fi
	# It embeds the list of dependencies, which is what scanners of images read.
	tools=${CARGO_TARGET_DIR:-target}/tools-$auditable
	PATH=$tools/bin:$PATH
	[ -x "$tools/bin/cargo-auditable" ] || cargo install --locked --root "$tools" "cargo-auditable@$auditable"
}

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

[ $# = 0 ] || prepare
# AWS-LC otherwise collects its own entropy from the timing of the CPU, which takes 20 ms before the first signature. The
# kernel's is what remains.
export AWS_LC_SYS_NO_JITTER_ENTROPY=1
for pipe in "$@"; do
	cargo auditable build --locked --profile "$profile" --target "$target" -p "$pipe" --bin "$pipe"
	cp "${CARGO_TARGET_DIR:-target}/$target/$folder/$pipe" "$out/$arch/$pipe"
	chmod 0755 "$out/$arch/$pipe"
	grep -q '\.dep-v0' "$out/$arch/$pipe" || { echo "dist.sh: $pipe has no list of its dependencies" >&2; exit 3; }
done
find "$out/common" -type f -exec chmod 0644 {} +
