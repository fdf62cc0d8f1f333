#!/bin/sh
# Runs notify-pipe's otlp channel against an OpenTelemetry collector and compares what the collector received with what
# docs/notify/otlp.md promises. The collector is built from the Go modules pinned in collector/go.mod, once a version,
# in ${XDG_CACHE_HOME:-$HOME/.cache}/pipewright.
# usage: collector.sh NOTIFY-PIPE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ -x "${1:-}" ] || { echo "usage: collector.sh NOTIFY-PIPE" >&2; exit 2; }
pipe=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pipewright
cache=$cache/collector-$(cat "$here/collector/go.sum" "$here/collector/main.go" | cksum | cut -d ' ' -f 1)
if [ ! -x "$cache/collector" ]; then
	command -v go >/dev/null 2>&1 || { echo "collector.sh: Go 1.26.8 or later is needed" >&2; exit 1; }
	echo "building the collector" >&2
	(cd "$here/collector" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOBIN=$cache go install -trimpath -ldflags '-s -w' .)
fi

work=$(mktemp -d)
pid=
end() {
	[ -n "$pid" ] || return 0
	kill "$pid" 2>/dev/null || true
	tries=100
	while [ "$tries" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
		sleep 0.1
		tries=$((tries - 1))
	done
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	pid=
}
trap 'end; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "collector.sh: $1" >&2
	for file in pipe log; do
		[ ! -s "$work/$file" ] || sed "s/^/  $file: /" "$work/$file" >&2
	done
	exit 1
}

# Without a queue, the pipe has its answer only after the data was written.
debug="verbosity: detailed, use_internal_logger: false, sending_queue: {enabled: false}"
env -i "$cache/collector" --config "yaml:
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
exporters:
  debug/traces: {$debug, output_paths: ['$work/traces']}
  debug/metrics: {$debug, output_paths: ['$work/metrics']}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [debug/traces]}
    metrics: {receivers: [otlp], exporters: [debug/metrics]}
" >"$work/log" 2>&1 &
pid=$!
port=
tries=300
while [ -z "$port" ]; do
	sleep 0.1
	port=$(sed -n 's/.*"Starting HTTP server".*"endpoint":"127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$work/log")
	tries=$((tries - 1))
	if [ "$tries" -eq 0 ] || ! kill -0 "$pid" 2>/dev/null; then
		fail "the collector doesn't start"
	fi
done

git init --quiet --initial-branch main "$work/shop"
git -C "$work/shop" -c user.name=Ada -c user.email=ada@example.com commit --quiet --allow-empty --message "Add a shop"
commit=$(git -C "$work/shop" rev-parse HEAD)
start=$(($(date +%s) - 245))

delivered="traces delivered, otlp 127.0.0.1:$port metrics delivered"

tell() { # tell CODE LINE VARIABLE=VALUE...: the exit code and a part of a line that are expected
	expected=$1 line=$2
	shift 2
	code=0
	(cd "$work/shop" && exec timeout 60 env -i GITHUB_ACTIONS=true GITHUB_REPOSITORY=org/shop GITHUB_WORKFLOW=CI \
		GITHUB_RUN_ID=1001 GITHUB_REF_NAME=main GITHUB_SHA="$commit" CHANNELS=otlp STARTED_AT="$start" RETRIES=0 \
		OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$port" "$@" "$pipe") >"$work/pipe" 2>&1 || code=$?
	[ "$code" -eq "$expected" ] || fail "exit $code instead of $expected"
	grep -qF "$line" "$work/pipe" || fail "notify-pipe doesn't say: $line"
}

received() { # received FILE: without what differs from run to run, without empty lines and blanks that can't be seen
	sed -e 's/ *$//' -e 's/^\(    ID  *: \)[0-9a-f]\{16\}$/\1(span)/' -e 's/^\(    End time  *: \)20.*/\1(now)/' \
		-e 's/^\(Timestamp: \)20.*/\1(now)/' "$work/$1" | tr '\t' ' ' |
		awk '$1 == "Sum:" && $2 >= 245 && $2 <= 300 { $2 = "(245 or a little more)" } NF'
}

tell 0 "$delivered" STATUS=error TITLE="It failed"
received traces >"$work/traces.received"
received metrics >"$work/metrics.received"
began="$(date -u -d "@$start" '+%Y-%m-%d %H:%M:%S') +0000 UTC"
version=$(sed -n 's/^notify-pipe \([^ ]*\) .*/\1/p' "$work/pipe")
trace=$(printf 'tracegithub|org/shop|1001' | sha256sum | cut -c 1-32)

cat >"$work/traces.expected" <<END
Traces {"resource spans": 1, "spans": 1}
ResourceSpans #0
Resource SchemaURL:
Resource attributes:
     -> service.name: Str(org/shop)
ScopeSpans #0
ScopeSpans SchemaURL:
InstrumentationScope pipewright.notify-pipe $version
Span #0
    Trace ID       : $trace
    Parent ID      :
    ID             : (span)
    Name           : RUN CI
    Kind           : Server
    Start time     : $began
    End time       : (now)
    Status code    : Error
    Status message : It failed
    DroppedAttributesCount: 0
    DroppedEventsCount: 0
    DroppedLinksCount: 0
Attributes:
     -> cicd.pipeline.name: Str(CI)
     -> cicd.pipeline.action.name: Str(RUN)
     -> cicd.pipeline.run.id: Str(1001)
     -> cicd.pipeline.run.url.full: Str(https://github.com/org/shop/actions/runs/1001)
     -> cicd.pipeline.result: Str(failure)
     -> error.type: Str(failure)
     -> vcs.repository.url.full: Str(https://github.com/org/shop)
     -> vcs.ref.head.name: Str(main)
     -> vcs.ref.head.revision: Str($commit)
END
{
	cat <<END
Metrics {"resource metrics": 1, "metrics": 2, "data points": 2}
ResourceMetrics #0
Resource SchemaURL:
Resource attributes:
     -> service.name: Str(org/shop)
ScopeMetrics #0
ScopeMetrics SchemaURL:
InstrumentationScope pipewright.notify-pipe $version
Metric #0
Descriptor:
     -> Name: cicd.pipeline.run.duration
     -> Description: Duration of a pipeline run.
     -> Unit: s
     -> DataType: Histogram
     -> AggregationTemporality: Delta
HistogramDataPoints #0
Data point attributes:
     -> cicd.pipeline.name: Str(CI)
     -> cicd.pipeline.run.state: Str(finalizing)
     -> cicd.pipeline.result: Str(failure)
StartTimestamp: $began
Timestamp: (now)
Count: 1
Sum: (245 or a little more)
END
	printf '%s\n' 10 30 60 120 300 600 1200 1800 3600 7200 | awk '{ printf "ExplicitBounds #%d: %d.000000\n", NR - 1, $1 }'
	printf '%s\n' 0 0 0 0 1 0 0 0 0 0 0 | awk '{ printf "Buckets #%d, Count: %d\n", NR - 1, $1 }'
	cat <<END
Metric #1
Descriptor:
     -> Name: cicd.pipeline.run.errors
     -> Description: The number of errors in pipeline runs.
     -> Unit: {error}
     -> DataType: Sum
     -> IsMonotonic: true
     -> AggregationTemporality: Delta
NumberDataPoints #0
Data point attributes:
     -> cicd.pipeline.name: Str(CI)
     -> error.type: Str(failure)
StartTimestamp: $began
Timestamp: (now)
Value: 1
END
} >"$work/metrics.expected"
for signal in traces metrics; do
	diff -u "$work/$signal.expected" "$work/$signal.received" >&2 || fail "the collector has other $signal than expected"
done

: >"$work/traces"
: >"$work/metrics"
tell 0 "$delivered" STATUS=success TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
for line in "Trace ID       : 4bf92f3577b34da6a3ce929d0e0e4736" "Parent ID      : 00f067aa0ba902b7" \
	"Status code    : Unset" "     -> cicd.pipeline.result: Str(success)"; do
	grep -qF -e "$line" "$work/traces" || fail "no '$line' in the span of a traced job"
done
grep -qF cicd.pipeline.run.duration "$work/metrics" || fail "a success has no duration"
! grep -qF cicd.pipeline.run.errors "$work/metrics" || fail "a success counts as an error"

tell 1 "refused" STATUS=error OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:$port/elsewhere"
end
tell 0 "not delivered (unreachable)" STATUS=error
tell 1 "not delivered (unreachable)" STATUS=error FAIL_ON_ERROR=true

echo "otlp: a collector received the span (id, name, attributes, status), duration and errors as documented," \
	"and a span of a traced job; a wrong path is exit 1, no collector exit 0, with FAIL_ON_ERROR=true exit 1"
