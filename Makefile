# `make demo` and `make test` are all a newcomer needs; each installs what is missing first.

CARGO ?= cargo
# Root makes network namespaces; everybody else goes through sudo.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env=PATH,OVL_TEST_STRICT,CARGO_HOME,RUSTUP_HOME,HOME)

# What building needs, and what the tests compare with or run.
BUILD_PACKAGES := gcc libc6-dev libpcap-dev pkg-config
RUN_PACKAGES := iproute2 iputils-ping nftables iptables containernetworking-plugins
TEST_PACKAGES := tcpdump tshark containerd runc busybox-static ethtool conntrack jq procps bc iperf3 socat \
	zstd xz-utils faketime perl-base

.PHONY: help build release demo test lint completions faults bench clean
help:
	@echo 'make demo         build, raise both kinds of pod network on this machine, look at them, take them down'
	@echo 'make test         build and run every test'
	@echo 'make lint         rustfmt, clippy, rustdoc, licences'
	@echo 'make completions  write completions/ anew'
	@echo 'make faults       write docs/faults.md anew'
	@echo 'make bench        speed, side by side with tcpdump, tshark and the standard CNI plugins'

# Packages are installed only when dpkg does not have them; a machine without apt must bring them itself.
define install
	@missing=; for p in $(1); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		command -v apt-get >/dev/null || { echo "please install:$$missing" >&2; exit 1; }; \
		echo "installing:$$missing"; \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get -qq update && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing >/dev/null; \
	fi
endef

.PHONY: build-packages run-packages test-packages
build-packages:
	$(call install,$(BUILD_PACKAGES))
run-packages:
	$(call install,$(BUILD_PACKAGES) $(RUN_PACKAGES))
test-packages:
	$(call install,$(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES))

build: build-packages
	$(CARGO) build --workspace

release: build-packages
	$(CARGO) build --workspace --release

demo: run-packages build
	@$(AS_ROOT) docs/demo $(CURDIR)/target/debug

# A test that cannot run says why and passes; with OVL_TEST_STRICT=1 it fails.
test: test-packages build
	$(CARGO) test --workspace --no-run
	$(AS_ROOT) $(CARGO) test --workspace --no-fail-fast; status=$$?; \
	cat target/tmp/results/* 2>/dev/null; exit $$status

lint: build-packages
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --document-private-items
	.ci/licences

completions: build
	target/debug/ovl completion bash >completions/ovl.bash
	target/debug/ovl completion zsh >completions/_ovl
	target/debug/ovl completion fish >completions/ovl.fish
	target/debug/ovl completion powershell >completions/ovl.ps1
	target/debug/ovl completion kubectl >completions/kubectl_complete-ovl
	chmod +x completions/kubectl_complete-ovl

faults:
	OVL_WRITE_DOCS=1 $(CARGO) test --lib the_page_is_up_to_date

bench: test-packages release
	$(AS_ROOT) $(CARGO) bench --workspace

clean:
	$(CARGO) clean
