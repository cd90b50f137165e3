#!/bin/sh
# The hooks of the driver command for compose.yml: zenml.sh start|start-private|stop|status|version
set -eu
cd "$(dirname "$0")"

# The version in use is the running (or stopped) container's own image tag: no file can lie about it.
deployed() {
	docker ps --all --filter label=com.docker.compose.project=zenml --filter label=com.docker.compose.service=zenml \
		--format '{{.Image}}' | sed 's/.*://'
}
ZENML_VERSION=${ZENML_UPGRADE_VERSION:-$(deployed)}
export ZENML_VERSION

case ${1:-} in
start) docker compose up --detach --no-deps zenml ;;
start-private) docker compose --profile private up --detach --no-deps zenml-private ;;
stop)
	if [ "${ZENML_UPGRADE_ADDRESS:-public}" = private ]; then
		docker compose --profile private rm --force --stop zenml-private
	else
		docker compose stop zenml
	fi
	;;
status)
	if [ -n "$(docker compose ps --quiet --status running zenml)" ]; then echo running; else echo stopped; fi
	;;
version) deployed ;;
*)
	echo "usage: $0 start|start-private|stop|status|version" >&2
	exit 2
	;;
esac
