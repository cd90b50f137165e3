#!/bin/sh
# containers.sh: the container engine that "make image" and the tests use.
#
#   containers.sh engine             its name, then the variables it is called with, one a line;
#                                    exit status 1 and the reason when there is none
#   containers.sh base               set-up: installs podman where no docker answers, makes the base
#   containers.sh build DIR TARGET...  builds zenml-upgrade:TARGET from the checkout in DIR, prints the sizes
#
# A docker daemon that answers takes the Dockerfile's own bases. Otherwise podman, as root on Debian
# or Ubuntu: in a store of its own below the cache, for there a base that is made on this machine
# from Debian's packages stands under the names of the images it replaces (no hub is asked). It gets
# Go from this machine, so that a build takes seconds.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${ZENML_UPGRADE_CACHE:-$here/../.cache}
mkdir -p "$cache"
dir=$(cd "$cache" && pwd)/containers
suite=bookworm # of the Dockerfile's bases
base=localhost/zenml-upgrade-base:$suite
export CONTAINERS_CONF="$dir/containers.conf" CONTAINERS_STORAGE_CONF="$dir/storage.conf"

no_engine() {
	echo "no container engine: $1" >&2
	exit 1
}

docker_answers() { command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; }

# Where an engine may not raise limits and the control groups are of both kinds, podman needs this.
configure() {
	[ "$(id -u)" = 0 ] || no_engine "no docker daemon answers, and podman needs root here"
	command -v podman >/dev/null 2>&1 || no_engine "no docker daemon answers, and podman is not installed"
	mkdir -p "$dir"
	# What a store knows of running containers is void when the machine was started anew.
	boot=$(cat /proc/sys/kernel/random/boot_id)
	[ "$(cat "$dir/boot" 2>/dev/null)" = "$boot" ] || rm -rf "$dir/run"
	printf '%s' "$boot" >"$dir/boot"
	cat >"$dir/containers.conf" <<EOF
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$dir/run/engine"
[network]
network_backend = "netavark"
EOF
	cat >"$dir/storage.conf" <<EOF
[storage]
driver = "overlay"
graphroot = "$dir/storage"
runroot = "$dir/run/storage"
EOF
}

# The names that the base stands for: the Dockerfile's defaults, for builds that give no arguments.
replaced() { sed -n 's/^ARG [A-Z]*_IMAGE=//p' "$here/../Dockerfile"; }

# Like the images it replaces, the base holds no manuals and no translations. Of this machine it
# takes the package sources, pip's configuration and the certificates that are trusted.
make_base() {
	podman image exists "$base" && return
	echo "set-up: a base image of Debian's packages"
	sources=
	for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
		if [ -z "$sources" ] && grep -qs "$suite" "$f"; then sources=$f; fi
	done
	set -- --quiet --variant=minbase --include=ca-certificates,python3,python3-venv
	for what in doc man locale; do set -- "$@" "--dpkgopt=path-exclude=/usr/share/$what/*"; done
	for f in /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
		[ ! -f "$f" ] || set -- "$@" "--customize-hook=copy-in $f $(dirname "$f")"
	done
	# shellcheck disable=SC2086 # none or one
	mmdebstrap "$@" "$suite" "$dir/base.tar" $sources
	podman import --quiet --change 'ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
		--change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' "$dir/base.tar" "$base" >/dev/null
	rm "$dir/base.tar"
	for name in $(replaced); do podman tag "$base" "docker.io/library/$name"; done
}

build_docker() { docker build "$@"; }

# The API builds images in docker's format; of this format too, both find each other's layers.
build_podman() {
	podman build --format docker --layers --network host --build-arg "GO_IMAGE=$base" --build-arg "PYTHON_IMAGE=$base" \
		--volume "$(go env GOROOT):/usr/local/go:ro" --volume "$(go env GOMODCACHE):/root/go/pkg/mod" \
		--volume "$(go env GOCACHE):/root/.cache/go-build" "$@"
}

build() {
	context=$1 engine=docker
	shift
	if ! docker_answers; then
		engine=podman
		configure
		podman image exists "$base" || no_engine "the base image is missing; make test-setup makes it"
	fi
	for target; do
		"build_$engine" --target "$target" --tag "zenml-upgrade:$target" "$context"
		echo "zenml-upgrade:$target $(($($engine image inspect --format '{{.Size}}' "zenml-upgrade:$target") / 1000000)) MB"
	done
}

case ${1:-} in
engine)
	if docker_answers; then
		echo docker
	else
		configure
		printf '%s\n' podman "CONTAINERS_CONF=$CONTAINERS_CONF" "CONTAINERS_STORAGE_CONF=$CONTAINERS_STORAGE_CONF"
	fi
	;;
base)
	docker_answers && exit 0
	sh "$here/packages.sh" podman runc netavark mmdebstrap
	(configure) 2>/dev/null || exit 0 # the tests that need an engine say so
	configure
	make_base
	;;
build)
	shift
	build "$@"
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
