# The one door to every task. `make demo` and `make test` install what they need and lack.

target := $(or $(CARGO_TARGET_DIR),target)
stage := scripts/stage

.PHONY: help demo test check bench fuzz openapi levels tools build-tools

help:
	@echo 'make demo             build Avouch and play both workflows (ARGS=--exit stops by itself)'
	@echo 'make test             every check and test, quick ones first'
	@echo 'make check            the quick loop while writing: format, lints, unit tests'
	@echo 'make bench            measure; prints a table and writes target/bench/summary.json'
	@echo 'make fuzz             fuzz one reader: TARGET=pdf SECONDS=600 (targets: fuzz/README.md)'
	@echo 'make levels           write anew what judges say of each level (docs/levels.md)'
	@echo 'make openapi          write docs/openapi*.json anew from the code'

demo: build-tools
	@$(stage) 'build (release)' cargo build --release --locked -p avouch
	@rm -rf target/demo
	@$(target)/release/avouch demo --dir target/demo $(ARGS)

test: tools
	@$(stage) 'format' cargo fmt --all --check
	@$(stage) 'lints' cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	@$(stage) 'unit tests' cargo test --workspace --lib --bins --locked --quiet --no-fail-fast
	@$(stage) 'integration and end-to-end tests' cargo test --workspace --test '*' --locked --quiet --no-fail-fast
	@$(stage) 'documentation tests' cargo test --workspace --doc --locked --quiet --no-fail-fast

check:
	@$(stage) 'format' cargo fmt --all --check
	@$(stage) 'lints' cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	@$(stage) 'unit tests' cargo test --workspace --lib --bins --locked --quiet --no-fail-fast

bench: tools
	@$(stage) 'build (release)' cargo build --release --locked -p avouch -p bench
	@AVOUCH_BIN=$(target)/release/avouch $(target)/release/bench --out $(target)/bench $(ARGS)
	@mkdir -p target/bench
	@[ $(target)/bench -ef target/bench ] || cp $(target)/bench/*.json target/bench/

fuzz: tools
	@fuzz/run $(or $(TARGET),pdf) $(or $(SECONDS),60)

openapi: build-tools
	@cargo run --quiet --locked -p avouch -- openapi --output docs/openapi.json
	@cargo run --quiet --locked -p avouch -- openapi --api registration-authority \
		--output docs/openapi-registration-authority.json

levels: tools
	@AVOUCH_WRITE_DOCS=1 cargo test --quiet --locked -p avouch --test it -- the_page_of_levels

build-tools:
	@$(stage) 'tools for building' scripts/install-tools build

tools:
	@$(stage) 'tools for testing' scripts/install-tools
