# One command a purpose; `make help` lists them.
#
# Everything lies in .venv (the virtual environment, with a stamp for each thing
# installed into it), build (kept between builds, so that they are incremental)
# and dist. Nothing is done again unless what it depends on has changed.
#
#   make PYTHON=python3.13 test    another interpreter (.venv and build start anew)
#   make test ARGS='-k lease -x'   what is passed on to pytest
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
# The steps share .venv, and each of them uses all cores.
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
ARGS ?=
KILLS ?= 5000
TIME ?= 60
# Warnings of the compiler we know stop our own CI; those of yours stop nothing.
WERROR ?= $(if $(CI),ON,OFF)
NATIVE_VARIANTS ?= plain address,undefined

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMPS := .venv/.stamps
export PIP_QUIET ?= 1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) \
	  | sed -E 's/^([a-z-]+):.* ## (.*)$$/  make \1|\2/' | column -t -s '|'

.PHONY: deps
deps: ## install the Debian packages that are missing (as root), or say which
	@tools/deps.sh '$(PYTHON)' build test

.PHONY: build-deps
build-deps:
	@tools/deps.sh '$(PYTHON)' build

# ---- the virtual environment -------------------------------------------------

# Made anew for another interpreter, or when the tree has moved.
IDENTITY = $(CURDIR) $(shell $(PYTHON) -c 'import sys; \
  print(getattr(sys, "_base_executable", sys.executable), sys.version.replace("\n", " "))')

.venv/.identity: FORCE | build-deps
	@identity='$(IDENTITY)'; \
	[ "$$(cat $@ 2>/dev/null)" = "$$identity" ] && exit 0; \
	echo "making .venv with $$($(PYTHON) --version)"; \
	base=$$($(PYTHON) -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))'); \
	rm -rf .venv build; \
	if "$$base" -c 'import ensurepip' 2>/dev/null; then \
	  "$$base" -m venv .venv; \
	else \
	  "$$base" -m venv --without-pip .venv; \
	  "$$base" -m pip --python $(BIN)/python install pip; \
	fi; \
	mkdir -p $(STAMPS) build; \
	echo "$$identity" >$@

# Requirements of a part of pyproject.toml, installed when they have changed.
$(STAMPS)/%.txt: pyproject.toml tools/requirements.py .venv/.identity
	@$(BIN)/python tools/requirements.py $(subst +, ,$*) >$@.new; \
	if ! cmp -s $@.new $@; then \
	  echo "installing what $(subst +, and ,$*) needs"; \
	  $(PIP) install -r $@.new; \
	fi; \
	mv $@.new $@

BUILD_TOOLS := $(STAMPS)/build-system+build+cli.txt
TEST_TOOLS := $(STAMPS)/test.txt
LINT_TOOLS := $(STAMPS)/lint.txt
DOCS_TOOLS := $(STAMPS)/docs+all+ray.txt
WHEEL_TOOLS := $(STAMPS)/wheel.txt

# ---- the package -------------------------------------------------------------

PACKAGE_FILES = $(sort pyproject.toml CMakeLists.txt README.md LICENSE \
  $(shell find src/interlock native -path native/tests -prune -o -type f \
    ! -name '*.so' ! -name '*.py[co]' -print))
NATIVE_FILES = $(sort CMakeLists.txt $(shell find native -name '*.[ch]pp'))

# Changes when a file is added or removed, which no file's own time would tell.
build/package-files.txt: FORCE .venv/.identity
	@printf '%s\n' $(PACKAGE_FILES) >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

build/native-files.txt: FORCE .venv/.identity
	@printf '%s\n' $(NATIVE_FILES) '$(NATIVE_VARIANTS)' >$@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# A stamp has the time at which its work began: what is edited meanwhile is newer.
# What .venv has is the very wheel that `make wheel` repairs.
RELEASE := INTERLOCK_STATIC_RUNTIME=ON;INTERLOCK_WERROR=$(WERROR)
$(STAMPS)/installed: $(PACKAGE_FILES) build/package-files.txt $(BUILD_TOOLS)
	@echo "building and installing interlock"; touch $@.new
	@rm -rf build/wheel
	@SKBUILD_BUILD_DIR=build/release SKBUILD_CMAKE_DEFINE='$(RELEASE)' \
	  $(PIP) wheel --no-deps --no-build-isolation --wheel-dir build/wheel .
	@$(PIP) install --no-deps --force-reinstall build/wheel/*.whl
	@mv $@.new $@

# A second build with the crash points in; tests start processes on it by PYTHONPATH.
PROBES_SITE := build/probes/site
build/probes.stamp: $(PACKAGE_FILES) build/package-files.txt $(BUILD_TOOLS)
	@echo "building interlock with crash points"; touch $@.new
	@rm -rf $(PROBES_SITE)
	@SKBUILD_BUILD_DIR=build/probes/cmake \
	  SKBUILD_CMAKE_DEFINE='INTERLOCK_PROBES=ON;INTERLOCK_LTO=OFF;INTERLOCK_WERROR=$(WERROR)' \
	  $(PIP) install --no-deps --no-build-isolation --target $(PROBES_SITE) .
	@mv $@.new $@

dist/.stamp: $(STAMPS)/installed $(WHEEL_TOOLS)
	@rm -rf dist && mkdir dist && touch $@.new
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/auditwheel repair --wheel-dir dist build/wheel/*.whl \
	  >build/auditwheel.log 2>&1 || { cat build/auditwheel.log; exit 1; }
	@mv $@.new $@

.PHONY: build
build: $(STAMPS)/installed ## build Interlock and install it into .venv

.PHONY: develop
develop: $(if $(DEVELOP_PYTHON),,$(BUILD_TOOLS)) ## build the extension into src/interlock (DEVELOP_PYTHON=, PROBES=ON, TYPE=Debug)
	@python='$(or $(DEVELOP_PYTHON),$(CURDIR)/$(BIN)/python)'; \
	dir=build/develop-$$("$$python" -c 'import sys; print(sys.implementation.cache_tag)'); \
	cmake=$$(PATH="$$(dirname "$$python"):$$PATH" command -v cmake); \
	ninja=$$(PATH="$$(dirname "$$python"):$$PATH" command -v ninja); \
	[ -f $$dir/build.ninja ] && fresh= || fresh=--fresh; \
	"$$cmake" $$fresh -S . -B $$dir -G Ninja -DCMAKE_MAKE_PROGRAM="$$ninja" \
	  -DPython_EXECUTABLE="$$python" -DCMAKE_BUILD_TYPE=$(or $(TYPE),RelWithDebInfo) \
	  -DINTERLOCK_IN_PLACE=ON -DINTERLOCK_LTO=OFF -DINTERLOCK_PROBES=$(or $(PROBES),OFF) \
	  >$$dir.log || { cat $$dir.log; exit 1; }; \
	"$$ninja" -C $$dir

.PHONY: wheel
wheel: dist/.stamp ## a manylinux wheel in dist, tried in an empty environment
	@rm -rf build/empty
	@$(BIN)/python -m venv --without-pip build/empty
	@$(PIP) --python build/empty/bin/python install --no-deps dist/*.whl
	@cd / && '$(CURDIR)/build/empty/bin/python' -I -c 'import interlock, interlock._native'
	@echo "$$(ls dist/*.whl) installs and imports in an empty environment"

# ---- running it --------------------------------------------------------------

.PHONY: demo
demo: $(STAMPS)/installed ## parse the standard library's sources on all cores
	@$(BIN)/python examples/stdlib_sources.py \
	  | $(BIN)/interlock map examples/parse_source.py:describe --lines - --compare --out results.jsonl

.PHONY: test
test: deps $(TEST_TOOLS) $(STAMPS)/installed build/probes.stamp dist/.stamp ## set everything up and run all tests
	@$(TEST_ENVIRONMENT) $(BIN)/python -m pytest -p tests.beside --beside $(ARGS)

# Where the tests find what was built for them; without it they skip what needs it. The native tests
# are built by tests/native, beside others.
TEST_ENVIRONMENT = INTERLOCK_PROBES_SITE='$(CURDIR)/$(PROBES_SITE)' \
  INTERLOCK_NATIVE_TESTS='$(subst $(space),:,$(addprefix $(CURDIR)/,$(NATIVE_DIRS)))' \
  INTERLOCK_WHEEL="$$(echo '$(CURDIR)'/dist/*.whl)"

.PHONY: test-hosts
test-hosts: deps $(TEST_TOOLS) $(STAMPS)/installed ## test between hosts that are network namespaces (as root)
	@$(BIN)/python -m pytest tests/hosts $(ARGS)

.PHONY: faults
faults: $(TEST_TOOLS) $(STAMPS)/installed build/probes.stamp ## kill processes at random, KILLS=5000 times
	@$(TEST_ENVIRONMENT) INTERLOCK_KILLS=$(KILLS) \
	  $(BIN)/python -m pytest -m campaign --timeout 0 -o faulthandler_timeout=0 -s $(ARGS)

# The core with its branches counted and its faults caught; the fuzzer's corpus lies beside it.
build/fuzz/site.stamp: $(PACKAGE_FILES) build/package-files.txt $(BUILD_TOOLS)
	@tools/deps.sh '$(PYTHON)' fuzz
	@echo "building interlock for the fuzzer"; mkdir -p build/fuzz; touch $@.new
	@rm -rf build/fuzz/site
	@CXX=clang++ SKBUILD_BUILD_DIR=build/fuzz/cmake \
	  SKBUILD_CMAKE_DEFINE='INTERLOCK_SANITIZE=address,undefined;INTERLOCK_FUZZER=ON;INTERLOCK_LTO=OFF' \
	  $(PIP) install --no-deps --no-build-isolation --target build/fuzz/site .
	@mv $@.new $@

.PHONY: fuzz
fuzz: $(TEST_TOOLS) $(STAMPS)/fuzz.txt $(STAMPS)/installed build/fuzz/site.stamp ## feed damaged bytes to every reader (TIME=60 seconds, SEED=, TARGET=, FILE=)
	@$(BIN)/python -m tests.fuzz.campaign \
	  --seconds $(TIME) $(if $(SEED),--seed $(SEED)) $(if $(TARGET),--target $(TARGET)) \
	  $(if $(FILE),--file '$(FILE)')

.PHONY: models
models: deps .venv/.identity ## let spin explore every interleaving of the locks' models
	@$(BIN)/python -m models.check $(ARGS)

build/tensors.stamp: pyproject.toml .venv/.identity
	@rm -rf build/tensors
	@$(PIP) install --target build/tensors $$($(BIN)/python tools/requirements.py tensors)
	@touch $@

.PHONY: tensors
tensors: $(TEST_TOOLS) $(STAMPS)/installed build/tensors.stamp ## install torch in build/tensors, and test with it
	@PYTHONPATH='$(CURDIR)/build/tensors' INTERLOCK_TENSORS=1 \
	  $(BIN)/python -m pytest tests/serialize/tensors $(ARGS)

.PHONY: bench
bench: $(TEST_TOOLS) $(STAMPS)/bench.txt $(STAMPS)/installed ## measure Interlock beside multiprocessing
	@tools/deps.sh '$(PYTHON)' bench
	@$(BIN)/python -m benchmarks.run $(ARGS)

.PHONY: instructions
instructions: deps $(TEST_TOOLS) $(STAMPS)/installed ## compare the hot paths' instruction counts with the recorded
	@$(BIN)/python -m benchmarks.instructions $(or $(ARGS),--check)

# ---- the native tests --------------------------------------------------------

comma := ,
space := $(subst ,, )
NATIVE_DIRS = $(addprefix build/native/,$(subst $(comma),+,$(NATIVE_VARIANTS)))

# Built again when the files or the list of variants have changed.
build/native.stamp: $(NATIVE_FILES) build/native-files.txt $(BUILD_TOOLS)
	@echo "building the native tests: $(NATIVE_VARIANTS)"; touch $@.new
	@mkdir -p build/native
	@for variant in $(NATIVE_VARIANTS); do \
	  dir=build/native/$${variant//,/+}; \
	  $(BIN)/cmake -S . -B $$dir -G Ninja -DCMAKE_MAKE_PROGRAM='$(CURDIR)/$(BIN)/ninja' \
	    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DINTERLOCK_MODULE=OFF -DINTERLOCK_NATIVE_TESTS=ON \
	    -DINTERLOCK_SANITIZE=$${variant#plain} -DINTERLOCK_WERROR=$(WERROR) \
	    >$$dir.log || { cat $$dir.log; exit 1; }; \
	  $(BIN)/ninja -C $$dir --quiet; \
	done
	@mv $@.new $@

.PHONY: native-test
native-test: build/native.stamp ## run the native tests alone (NATIVE_VARIANTS='plain address,undefined thread')
	@for dir in $(NATIVE_DIRS); do \
	  $(BIN)/ctest --test-dir $$dir --output-on-failure --no-tests=error $(ARGS); \
	done

# ---- looking after it --------------------------------------------------------

.PHONY: lint
lint: $(LINT_TOOLS) ## ruff, clang-format, spelling, and the style guide's checks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/clang-format --dry-run --Werror $$(find native -name '*.[ch]pp' -o -name '*.h')
	@$(BIN)/codespell
	@$(BIN)/python tools/tidy.py

.PHONY: types
types: $(LINT_TOOLS) $(TEST_TOOLS) ## mypy --strict on everything
	@$(BIN)/mypy

.PHONY: docs
docs: $(DOCS_TOOLS) $(STAMPS)/installed ## the reference, from the docstrings, in build/docs
	@$(BIN)/pdoc --docformat google --output-directory build/docs interlock
	@echo "build/docs/index.html"

.PHONY: contexts
contexts: $(TEST_TOOLS) $(STAMPS)/installed ## write docs/contexts.md, what each context promises
	@$(BIN)/python -m tests.conformance.contexts.table

.PHONY: clean
clean: ## remove everything that make made
	@rm -rf .venv build dist results.jsonl .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find src tests tools benchmarks examples -name __pycache__ -prune -exec rm -rf {} +
	@rm -f src/interlock/*.so

.PHONY: FORCE
FORCE:
