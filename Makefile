# The two commands are `make demo` and `make test`; each does all the set-up that it needs.
.DEFAULT_GOAL := help
.PHONY: help setup peers demo test lint bench

# Where `scripts/setup` puts uv if the machine has none.
export PATH := $(PATH):$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bifilar/uv/bin

help: ## list the targets
	@sed -n 's/^\([a-z]*\): .*## /  make \1\t/p' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages, uv, Python packages
	@scripts/setup

demo: setup ## build the article's fabric from real BIRDs, verify it, draw it, and clean up
	@scripts/demo

peers: ## install the container runtimes and plugins that tests and benchmarks run
	@scripts/setup peers

test: peers ## run every test that this machine can run
	uv run --frozen pytest

lint: setup ## style, types, and the layers of the architecture
	uv run --frozen ruff check
	uv run --frozen ruff format --check
	uv run --frozen mypy
	uv run --frozen lint-imports

bench: peers ## compare with netlab's design and Debian's CNI plugins, and try 10,000 servers
	uv run --frozen python bench/against_netlab.py
	uv run --frozen python bench/scale.py
	uv run --frozen python bench/against_ptp.py
