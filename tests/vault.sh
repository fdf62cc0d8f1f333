#!/bin/sh
# Signs files with keys that a real Vault keeps, and has ourselves and cosign verify them. Vault is built from the Go
# modules pinned in vault/go.mod, once a version, in ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright.
# usage: vault.sh SIGN-PIPE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ -x "${1:-}" ] || { echo "usage: vault.sh SIGN-PIPE" >&2; exit 2; }
pipe=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

root=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright
cache=$root/vault-$(cat "$here/vault/go.sum" "$here/vault/main.go" | cksum | cut -d ' ' -f 1)
if [ ! -x "$cache/vault" ]; then
	command -v go >/dev/null 2>&1 || { echo "vault.sh: Go 1.26.8 or later is needed" >&2; exit 1; }
	echo "building Vault" >&2
	(cd "$here/vault" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOBIN=$cache go install -trimpath -ldflags '-s -w' .)
fi
cosign=$root/cosign-sid/cosign
[ -x "$cosign" ] || { echo "vault.sh: cosign is missing: run ./tests/install.sh" >&2; exit 1; }

work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
fail() {
	echo "vault.sh: $1" >&2
	[ ! -s "$work/out" ] || sed 's/^/  /' "$work/out" >&2
	exit 1
}

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=http://127.0.0.1:$port
env -i "$cache/vault" "127.0.0.1:$port" >"$work/token" 2>"$work/log" &
pid=$!
tries=300
while [ ! -s "$work/token" ]; do
	sleep 0.1
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] && kill -0 "$pid" 2>/dev/null || { cat "$work/log" >&2; fail "Vault doesn't start"; }
done
token=$(cat "$work/token")

vault() { # vault METHOD PATH [JSON]
	curl --silent --show-error --fail --header "X-Vault-Token: $token" --request "$1" ${3:+--data "$3"} "$address/v1/$2"
}
vault POST sys/mounts/transit '{"type": "transit"}'
vault POST sys/mounts/team/signing '{"type": "transit"}'
# Who may sign with one key, and nothing else.
vault POST sys/policies/acl/signer '{"policy": "path \"transit/keys/ecdsa-p256\" {capabilities = [\"read\"]}\npath \"transit/sign/ecdsa-p256/*\" {capabilities = [\"update\"]}"}'
signer=$(vault POST auth/token/create '{"policies": ["signer"], "no_default_policy": true}' |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["auth"]["client_token"])')

cd "$work"
echo "a chart" >app.tgz
run() { # run CODE VARIABLE=VALUE...
	expected=$1
	shift
	code=0
	env -i PATH="$PATH" FILES=app.tgz VAULT_ADDR="$address" "$@" "$pipe" >"$work/out" 2>&1 || code=$?
	[ "$code" -eq "$expected" ] || fail "exit $code instead of $expected with $*"
	! grep -qF -e "$token" -e "$signer" "$work/out" || fail "a token is shown"
}
public() { # public MOUNT KEY: its newest version to key.pub
	vault GET "$1/keys/$2" | python3 -c '
import base64, json, sys
data = json.load(sys.stdin)["data"]
key = data["keys"][str(data["latest_version"])]["public_key"]
if data["type"] == "ed25519":
    der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(key)
    key = "-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der).decode() + "\n-----END PUBLIC KEY-----\n"
print(key)' >key.pub
}
signs() { # signs MOUNT KEY TOKEN [cosign]
	rm -f app.tgz.sigstore.json
	run 0 KMS_KEY="hashivault://$2" VAULT_TRANSIT_PATH="$1" VAULT_TOKEN="$3"
	public "$1" "$2"
	run 0 SIGN=false COSIGN_PUBLIC_KEY_FILE=key.pub
	[ -z "${4:-}" ] || "$cosign" verify-blob --key key.pub --insecure-ignore-tlog --bundle app.tgz.sigstore.json app.tgz \
		>out 2>&1 || fail "cosign refuses what $2 signed"
}
for kind in ecdsa-p256 ecdsa-p384 ed25519 rsa-2048 rsa-4096; do
	vault POST "transit/keys/$kind" "{\"type\": \"$kind\"}" >/dev/null
	case $kind in
	# cosign verifies these with a flag of its own.
	ecdsa-p384) signs transit "$kind" "$token" ;;
	*) signs transit "$kind" "$token" cosign ;;
	esac
done
signs transit ecdsa-p256 "$signer" cosign
# A key that was rotated signs with its newest version.
vault POST transit/keys/ecdsa-p256/rotate >/dev/null
cp key.pub old.pub
signs transit ecdsa-p256 "$signer" cosign
run 1 SIGN=false COSIGN_PUBLIC_KEY_FILE=old.pub
vault POST team/signing/keys/app '{"type": "ecdsa-p256"}' >/dev/null
signs team/signing app "$token" cosign

vault POST transit/keys/secret '{"type": "aes256-gcm96"}' >/dev/null
run 3 KMS_KEY=hashivault://secret VAULT_TOKEN="$token"
grep -q "type of the key secret is not supported" out || fail "a key that can't sign is not told"
run 3 KMS_KEY=hashivault://none VAULT_TOKEN="$token"
grep -q "Vault" out || fail "a key that is not there is not told"
run 3 KMS_KEY=hashivault://rsa-2048 VAULT_TOKEN="$signer"
grep -q "403" out || fail "a key that may not be used is not told"

echo "vault: files signed by P-256, P-384, Ed25519, RSA 2048 and 4096 keys, by a token that may do nothing else, by a" \
	"rotated key and in an engine elsewhere; a symmetric key, none and a forbidden one are exit 3"
