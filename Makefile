# Everything is installed into .venv; nothing outside this folder is touched.
# Written for GNU make 3.81 (macOS) and any POSIX shell.

.PHONY: help demo test fuzz lint bench bench-checkers clean rebuild
.NOTPARALLEL:
.DELETE_ON_ERROR:
.SUFFIXES:

help:
	@echo "make demo    check, train and draw a hand-derived network; pictures go to out/"
	@echo "make test    run all tests           (ARGS='-k tape' chooses)"
	@echo "make fuzz    random programs for a minute (ARGS='--seconds 3600 --seed 7': an hour of others)"
	@echo "make lint    ruff and mypy --strict"
	@echo "make bench   speed against plain NumPy, autograd and MyGrad"
	@echo "make bench-checkers   what other gradient checkers see: writes the table in README.md (installs PyTorch and JAX)"
	@echo "make clean   remove .venv and everything that was generated"
	@echo "PYTHON=/path/to/python3 names the Python (3.11 or newer) that .venv is made with."

demo: .venv/ready-demo
	@.venv/bin/microgradnp demo $(ARGS)

# One BLAS thread each: pytest-xdist already uses every core.
test: .venv/ready-test
	@OPENBLAS_NUM_THREADS=1 .venv/bin/python -m pytest -n auto $(ARGS)

fuzz: .venv/ready-test
	@OPENBLAS_NUM_THREADS=1 .venv/bin/python -m tests.fuzzing $(ARGS)

lint: .venv/ready-test
	@.venv/bin/ruff check .
	@.venv/bin/mypy --strict microgradnp

bench: .venv/ready-bench
	@OPENBLAS_NUM_THREADS=1 .venv/bin/python tests/benchmarks $(ARGS)

bench-checkers: .venv/ready-peers
	@OPENBLAS_NUM_THREADS=1 .venv/bin/python -m tests.benchmarks.checkers --into README.md $(ARGS)

clean:
	rm -rf .venv out build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- .venv -----------------------------------------------------------------------------------------

# A Python that is active elsewhere must not leak in, nor must .venv be made by its own Python.
unexport CONDA_PREFIX VIRTUAL_ENV __PYVENV_LAUNCHER__
unexport PYTHONHOME PYTHONOPTIMIZE PYTHONPATH PYTHONSTARTUP PYTHONWARNINGS
unexport PIP_PREFIX PIP_ROOT PIP_TARGET PIP_USER
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PATH := $(subst $(CURDIR)/.venv/bin:,,$(PATH))

# .venv/made holds the folder that .venv belongs to and is away while .venv is being changed: what was
# interrupted, or moved with its folder, is made anew.
intact = [ -x .venv/bin/python ] && [ "$$(cat .venv/made 2>/dev/null)" = "$$(pwd -P)" ]
damage := $(shell $(intact) || echo rebuild)

.venv/ready-demo: pyproject.toml $(damage)
	@$(call install,.)
.venv/ready-test: pyproject.toml $(damage)
	@$(call install,.[test])
.venv/ready-bench: pyproject.toml $(damage)
	@$(call install,.[bench])
.venv/ready-peers: pyproject.toml $(damage)
	@$(call install,.[peers])

install = set -e; \
	{ $(intact); } || { $(create); }; \
	rm -f .venv/made; \
	echo "Installing microgradnp and what it needs into .venv ..."; \
	.venv/bin/python -m pip install --quiet --editable '$(1)'; \
	pwd -P > .venv/made; \
	touch $@

# Exit status: 3 where Python is too old, 1 where a module is missing.
probe = import sys; sys.version_info < (3, 11) and sys.exit(3); import ensurepip, venv

# What venv itself prints is hidden: a failure is told in one line that says what to install.
create = rm -rf .venv; \
	if [ -n "$$PYTHON" ]; then set -- "$$PYTHON"; \
	else set -- python3 python3.14 python3.13 python3.12 python3.11; fi; \
	made=; old=; bare=; \
	for python do \
		"$$python" -c '$(probe)' >/dev/null 2>&1 && status=0 || status=$$?; \
		if [ $$status = 3 ]; then old=$${old:-$$("$$python" -V 2>&1)}; continue; fi; \
		if [ $$status = 0 ] && "$$python" -m venv .venv >/dev/null 2>&1; then made=yes; break; fi; \
		if [ $$status -le 1 ]; then bare=$${bare:-$$python}; rm -rf .venv; \
		elif [ "$$PYTHON" ]; then old="nothing that runs as $$PYTHON"; fi; \
	done; \
	if [ "$$made" ]; then :; elif [ "$$bare" ]; then \
		echo "$$bare cannot make a virtual environment here: install its venv module" \
			"(Debian: sudo apt install python3-venv), or name another Python: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	else \
		echo "microgradnp needs Python 3.11 or newer$${old:+, found $$old}: install it" \
			"(Debian: sudo apt install python3 python3-venv; macOS: brew install python)," \
			"or name one: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
