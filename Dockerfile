# Two images of one binary. slim: the binary and CA roots, for jobs that bring their own Python.
# full: also Python, uv, ty and the database clients; this one runs every action.
# The bases are arguments, so that they can be pinned by digest or replaced by a mirror's.
ARG GO_IMAGE=golang:1.26-bookworm
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY main.go ./
COPY actions ./actions
COPY internal ./internal
COPY schema ./schema
ARG VERSION=0.1.0-dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X github.com/zenml-upgrade/zenml-upgrade/internal/version.Tool=${VERSION}" -o /out/zenml-upgrade . \
    && mkdir -p /out/tmp && chmod 1777 /out/tmp

# No USER: the runner mounts the workspace as root, and a container action has to write there.
FROM scratch AS slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/tmp /tmp
COPY --from=build /out/zenml-upgrade /opt/zenml-upgrade/bin/zenml-upgrade
ENTRYPOINT ["/opt/zenml-upgrade/bin/zenml-upgrade"]

FROM ${PYTHON_IMAGE} AS full
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates chromium git mariadb-client mydumper \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/*
COPY tools/runtime.txt /tmp/runtime.txt
RUN python3 -m venv /opt/zenml-upgrade/tools \
    && /opt/zenml-upgrade/tools/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r /tmp/runtime.txt \
    && rm /tmp/runtime.txt
COPY --from=build /out/zenml-upgrade /opt/zenml-upgrade/bin/zenml-upgrade
ENV PATH=/opt/zenml-upgrade/tools/bin:$PATH ZENML_UPGRADE_CACHE=/var/cache/zenml-upgrade
ENTRYPOINT ["/opt/zenml-upgrade/bin/zenml-upgrade"]
