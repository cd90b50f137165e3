#!/bin/sh
# The hooks of a deployment that this script runs: a ZenML server on each of two addresses, from
# one environment a version. Called as server.sh HOOK; beside it lie server.env, ports and pythons.
set -eu
cd "$(dirname "$0")"
# shellcheck disable=SC1091 # written by the test
. ./settings # PORT, PYTHON_OLD, PYTHON_NEW, OLD

at=${ZENML_UPGRADE_ADDRESS:-public}

serve() { # PORT
	python=$PYTHON_NEW
	[ "$ZENML_UPGRADE_VERSION" = "$OLD" ] && python=$PYTHON_OLD
	strategy=$ZENML_STORE_BACKUP_STRATEGY
	set -a
	# shellcheck disable=SC1091
	. ./server.env
	set +a
	ZENML_STORE_BACKUP_STRATEGY=$strategy ZENML_CONFIG_PATH=$PWD/config-$at "$python" -m uvicorn \
		zenml.zen_server.zen_server_api:app --host 127.0.0.1 --port "$1" --log-level warning >"$at.log" 2>&1 </dev/null &
	echo $! >"$at.pid"
	echo "$ZENML_UPGRADE_VERSION" >"$at.version"
}

alive() { # PID: a process that is no zombie
	[ -r "/proc/$1/stat" ] && ! grep -q ') Z ' "/proc/$1/stat"
}

case $1 in
start) serve "$PORT" ;;
start-private)
	[ ! -e refuse ] || { echo "no room on the node" >&2; exit 1; }
	serve "$ZENML_UPGRADE_PRIVATE_PORT"
	;;
stop)
	[ -e "$at.pid" ] || exit 0
	pid=$(cat "$at.pid")
	kill "$pid" 2>/dev/null || true
	while alive "$pid"; do sleep 0.1; done
	rm -f "$at.pid"
	;;
status) if [ -e public.pid ] && alive "$(cat public.pid)"; then echo running; else echo stopped; fi ;;
version) cat public.version ;;
run)
	echo "$ZENML_UPGRADE_PIPELINE" >>ran
	export ZENML_CONFIG_PATH="$PWD/config-run"
	cd ..
	# shellcheck disable=SC2086 # the words of a command
	set -- $ZENML_UPGRADE_COMMAND
	shift # python
	"$PYTHON_NEW" "$@"
	;;
esac
