#!/bin/sh
# lint.sh: every checker over what git tracks (or would). All run, then the failed ones are named.
# A checker that is not installed fails: a check that did not run is no check.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=

# run LABEL COMMAND...
run() {
	label=$1
	shift
	echo "== $label"
	"$@" || failed="$failed
  $label"
}

# files PATTERN...: tracked and new files, none that git ignores.
files() { git ls-files --cached --others --exclude-standard -- "$@" | sort -u; }

# over LABEL "COMMAND" PATTERN...: runs COMMAND with the files added; nothing when there are none.
over() {
	label=$1 command=$2
	shift 2
	list=$(files "$@")
	# shellcheck disable=SC2086 # both are lists of words; no tracked name holds a blank
	[ -z "$list" ] || run "$label" $command $list
}

quiet() {
	out=$("$@" 2>&1) && [ -z "$out" ] && return 0
	printf '%s\n' "$out"
	return 1
}

over gofmt "quiet gofmt -l" '*.go'
run "go mod tidy" go mod tidy -diff
run "go vet" go vet ./...
run golangci-lint golangci-lint run --timeout 10m ./...
[ ! -d tools/manifest ] || run "generated files" go run ./tools/manifest --check
run workflows go run ./tools/workflows --check
over actionlint "actionlint" '.github/workflows/*.yml' 'examples/**/.github/workflows/*.yml'
over zizmor "zizmor --offline --quiet --no-progress --config tools/zizmor.yml" '.github/workflows/*.yml' 'examples/**/.github/workflows/*.yml' '**/dependabot.yml' 'action.yml' 'actions/*/action.yml'
over "workflow schema" "check-jsonschema --quiet --builtin-schema vendor.github-workflows" '.github/workflows/*.yml' 'examples/**/.github/workflows/*.yml'
over "action schema" "check-jsonschema --quiet --builtin-schema vendor.github-actions" 'action.yml' 'actions/*/action.yml'
over "dependabot schema" "check-jsonschema --quiet --builtin-schema vendor.dependabot" '**/dependabot.yml'
over "renovate schema" "check-jsonschema --quiet --builtin-schema vendor.renovate" '**/renovate.json'
over yamllint "yamllint --strict" '*.yml' '*.yaml' '.yamllint'
over shellcheck "shellcheck" '*.sh' '.ci/run'
over hadolint "hadolint" 'Dockerfile'

if [ -n "$failed" ]; then
	echo "lint failed:$failed"
	exit 1
fi
echo "lint: all passed"
