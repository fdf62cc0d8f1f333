#!/bin/sh
# Installs what the tests need and this machine lacks. Debian packages need root; everything else goes to
# ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright, by version.
set -eu
cd "$(dirname "$0")/.."

missing=
need() { # need COMMAND PACKAGE
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need git git
need buildah buildah
need podman podman
need runc runc
need busybox busybox-static
need python3 python3
need node nodejs
need npm npm
need openssl openssl
need curl curl
need prometheus-pushgateway prometheus-pushgateway
need docker-registry docker-registry
[ -s /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

if [ -n "$missing" ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "install.sh: please install:$missing" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# Debian starts a server that is installed, now and at every boot. Only the programs are wanted: the tests start them.
	policy=/usr/sbin/policy-rc.d ours=
	if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
		ours=yes
		trap 'rm -f "$policy"' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	# shellcheck disable=SC2086 # a list of names
	apt-get install --yes --no-install-recommends -qq $missing >/dev/null
	for server in docker-registry prometheus-pushgateway; do
		case " $missing " in
		*" $server "*) systemctl disable --quiet "$server" 2>/dev/null || true ;;
		esac
	done
	if [ -n "$ours" ]; then
		rm -f "$policy"
		trap - EXIT HUP INT TERM
	fi
fi
./tests/validators/install.sh
./tests/components/install.sh
