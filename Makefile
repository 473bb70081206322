# Everything a newcomer types: `make demo` and `make test`.
CARGO ?= cargo

.PHONY: build test
build:
	$(CARGO) build --workspace

# The tests need root (or sudo) for network namespaces. OVL_TEST_STRICT=1 turns a skip into a failure.
test: build
	$(CARGO) test --workspace
