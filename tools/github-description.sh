#!/bin/sh
# Fetches GitHub's own description of its REST API, which the fake GitHub of the tests is held to:
# the npm package @octokit/openapi at one version, checked against its digest.
# Writes github/api.github.com.json below $ZENML_UPGRADE_CACHE, or .cache of this checkout.
set -eu
version=23.0.2
sha512=pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==

root=$(cd "$(dirname "$0")/.." && pwd)
dir=${ZENML_UPGRADE_CACHE:-$root/.cache}/github
file=$dir/api.github.com.json
[ -f "$file" ] && [ "$(cat "$dir/version" 2>/dev/null)" = "$version" ] && exit 0
if ! command -v npm >/dev/null; then
    echo "github-description: npm is missing; the tests that need GitHub's API description are skipped" >&2
    exit 0
fi
mkdir -p "$dir"
tmp=$(mktemp -d "$dir/fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
if ! npm pack --silent --ignore-scripts "@octokit/openapi@$version" >/dev/null; then
    echo "github-description: npm gave no @octokit/openapi@$version; the tests that need it are skipped" >&2
    exit 0
fi
got=$(python3 -c 'import base64, hashlib, sys; print(base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())' ./*.tgz)
if [ "$got" != "$sha512" ]; then
    echo "github-description: @octokit/openapi@$version has another digest than expected: $got" >&2
    exit 1
fi
tar -xzf ./*.tgz package/generated/api.github.com.json
mv package/generated/api.github.com.json "$file"
echo "$version" >"$dir/version"
