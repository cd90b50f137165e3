#!/bin/sh
# packages.sh COMMAND[=PACKAGE]...: installs the Debian packages (of the same name, when none is
# given) whose commands are not there. Only as root on Debian or Ubuntu; elsewhere it says what is
# missing and goes on, because whatever uses the command fails or skips by itself.
set -eu
PATH=$PATH:/usr/sbin
missing=
for c in "$@"; do
	command -v "${c%%=*}" >/dev/null 2>&1 || missing="$missing ${c#*=}"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "set-up: not installed (needs root on Debian or Ubuntu):$missing"
	exit 0
fi
echo "set-up: system packages:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
