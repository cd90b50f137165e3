#!/bin/sh
# gobin.sh DIR NAME...: tools that are Go programs, built once. golangci-lint and actionlint are linters
# (the first takes about 4 minutes); act runs workflows in the tests (20 to 60 s), versitygw is
# an S3 server for them.
set -eu
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift

# have NAME VERSION: the program in DIR was built from this version of its module.
have() {
	[ -x "$dir/$1" ] && go version -m "$dir/$1" | awk -v v="$2" '$1 == "mod" && $3 == v { found = 1 } END { exit !found }'
}

install() {
	name=$1 module=$2 version=$3
	have "$name" "$version" && return
	echo "set-up: building $name $version"
	GOBIN=$dir CGO_ENABLED=0 go install "$module@$version"
}

for name in "$@"; do
	case $name in
	golangci-lint) install golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint v2.15.0 ;;
	actionlint) install actionlint github.com/rhysd/actionlint/cmd/actionlint v1.7.12 ;;
	act) install act github.com/nektos/act v0.2.89 ;;
	versitygw) install versitygw github.com/versity/versitygw/cmd/versitygw v1.0.14 ;;
	*)
		echo "gobin: there is no $name" >&2
		exit 2
		;;
	esac
done
