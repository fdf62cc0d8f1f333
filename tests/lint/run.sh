#!/bin/sh
# Lints what Clippy does not: spelling, workflows, the pipelines of other platforms, their schemas. Needs no network once
# the linters are installed.
set -eu
bin=$("$(dirname "$0")/install.sh")/bin
cd "$(dirname "$0")/../.."
status=0
run() {
	"$@" || status=1
}
schema() { # schema NAME FILE...: as the platform publishes it, carried by check-jsonschema
	name=$1
	shift
	run "$bin/check-jsonschema" --quiet --builtin-schema "$name" "$@"
}

# Without the linters of scripts that a machine may have: the same answer everywhere.
run "$bin/actionlint" -shellcheck= -pyflakes=
run "$bin/typos"
run "$bin/zizmor" --offline --quiet --no-progress .github action.yml pipes
schema vendor.github-workflows .github/workflows/*.yml
schema custom.github-workflows-require-timeout .github/workflows/*.yml
schema vendor.github-actions action.yml pipes/*/action.yml
schema vendor.dependabot .github/dependabot.yml
schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
for form in .github/ISSUE_TEMPLATE/*.yml; do
	case $form in */config.yml) ;; *) schema vendor.github-issue-forms "$form" ;; esac
done
schema vendor.bitbucket-pipelines bitbucket-pipelines.yml
schema vendor.gitlab-ci .gitlab-ci.yml
exit $status
