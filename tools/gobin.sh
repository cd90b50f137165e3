#!/bin/sh
# gobin.sh DIR [NAME]: the linters that are Go programs and an S3 server for tests, built once (golangci-lint: about 4 minutes). With NAME, that one only.
set -eu
mkdir -p "$1"
dir=$(cd "$1" && pwd)
only=${2-}

# have NAME VERSION: the program in DIR was built from this version of its module.
have() {
	[ -x "$dir/$1" ] && go version -m "$dir/$1" | awk -v v="$2" '$1 == "mod" && $3 == v { found = 1 } END { exit !found }'
}

install() {
	name=$1 module=$2 version=$3
	[ -z "$only" ] || [ "$only" = "$name" ] || return 0
	have "$name" "$version" && return
	echo "set-up: building $name $version"
	GOBIN=$dir CGO_ENABLED=0 go install "$module@$version"
}

install golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint v2.15.0
install actionlint github.com/rhysd/actionlint/cmd/actionlint v1.7.12
install versitygw github.com/versity/versitygw/cmd/versitygw v1.0.14
