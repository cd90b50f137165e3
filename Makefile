.PHONY: setup build tools-lock
TOOLS := .cache/tools

setup: $(TOOLS)/.complete

# Runtime tools (uv, ty, pip) pinned with digests.
$(TOOLS)/.complete: tools/runtime.txt
	python3 -m venv --clear $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tools/runtime.txt
	touch $@

build:
	go build -o bin/zenml-upgrade .

# Pins the newest versions of the tools, with digests.
tools-lock: $(TOOLS)/.complete
	for f in runtime lint; do $(TOOLS)/bin/uv pip compile --quiet --no-config --generate-hashes --universal --python-version 3.10 --no-emit-index-url --custom-compile-command "make tools-lock" tools/$$f.in -o tools/$$f.txt --upgrade; done
