#!/bin/sh
# Measures notify-pipe against a Python script that does the same; prints tables.
# usage: run.sh NOTIFY-PIPE RUNS
# BASE_PIPE: another build, measured in place of the peer. Rows that break the rule go to the file BASE_BROKEN.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pipe=$1
runs=$2
venv=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright/notify-peer-$(cksum <"$here/requirements.txt" | cut -d ' ' -f 1)
if [ -z "${BASE_PIPE:-}" ] && [ ! -x "$venv/ready" ]; then
	python3 -m venv --clear "$venv" >&2
	"$venv/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps --requirement "$here/requirements.txt" >&2
	ln -s bin/python "$venv/ready"
fi
work=$(mktemp -d)
mkfifo "$work/alive"
python3 "$here/sink.py" "$work/port" <"$work/alive" &
exec 9>"$work/alive"
trap 'exec 9>&-; rm -rf "$work"' EXIT INT TERM
while [ ! -s "$work/port" ]; do sleep 0.05; done
base=http://127.0.0.1:$(cat "$work/port")
git init --quiet "$work/repo"

notify() { # notify VARIABLE=VALUE...
	echo "WORKING_DIR=$work/repo REPORTS_DIR=$work/reports STATUS=error MESSAGE=hello $* $pipe"
}
all="SLACK_WEBHOOK_URL=$base/slow/services/x TEAMS_WEBHOOK_URL=$base/teams DISCORD_WEBHOOK_URL=$base/discord
	MATTERMOST_WEBHOOK_URL=$base/mattermost GOOGLE_CHAT_WEBHOOK_URL=$base/google TELEGRAM_API_URL=$base
	TELEGRAM_BOT_TOKEN=1:a TELEGRAM_CHAT_ID=42 PAGERDUTY_URL=$base PAGERDUTY_ROUTING_KEY=routing-key
	PAGERDUTY_EVENT=alert JSM_API_URL=$base JSM_API_KEY=integration-key WEBHOOK_URL=$base/webhook
	CDEVENTS_URL=$base/cdevents PUSHGATEWAY_URL=$base METRICS_ENDPOINT=$base/metrics"
channels=slack,teams,discord,mattermost,google-chat,telegram,pagerduty,jsm,webhook,cdevents,pushgateway,metrics
twelve="/slow/services/x /a /b /c /d /e /f /g /h /i /j /k"
table() {
	printf '\n| | CPU s | wall s | peak MB | CPU | wall | memory | exit |\n|---|---|---|---|---|---|---|---|\n'
	python3 "$here/../measure.py" "$@"
}

if [ -n "${BASE_PIPE:-}" ]; then
	compare() { # compare NAME VARIABLE=VALUE...
		name=$1 code=0
		shift
		python3 "$here/../compare.py" "$runs" "notify-pipe, $name" "$(pipe=$BASE_PIPE; notify "$@")" "$(notify "$@")" || code=$?
		case $code in 0) ;; 1) echo "notify-pipe, $name" >>"$BASE_BROKEN" ;; *) exit 1 ;; esac
	}
	# shellcheck disable=SC2086 # words
	compare "12 channels" "CHANNELS=$channels" $all
	compare Slack "SLACK_WEBHOOK_URL=$base/services/x"
	exit 0
fi

cat <<-END
	Twelve channels on loopback, of which the slowest answers after 500 ms and the others after 50 ms; then one Slack
	webhook alone. The peer is a Python script with requests and slack_sdk ($(basename "$here")/peer.py).
END
# shellcheck disable=SC2086 # words
table "$runs" \
	"notify-pipe, 12 channels=$(notify "CHANNELS=$channels" $all)" \
	"notify-pipe, the slowest alone=$(notify "SLACK_WEBHOOK_URL=$base/slow/services/x")" \
	"Python, 12 channels=$venv/bin/python $here/peer.py $base $twelve"
table "$runs" \
	"notify-pipe, Slack=$(notify "SLACK_WEBHOOK_URL=$base/services/x")" \
	"Python, Slack=$venv/bin/python $here/peer.py $base /services/x"
cd "$work/repo"
ours=$(python3 "$here/first_byte.py" 20 SLACK_WEBHOOK_URL "$pipe")
printf '\nFrom the start of the process to its first byte sent: %s ms.\n' "$ours"
