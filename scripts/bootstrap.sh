# Sourced by ./run and ./test: what they need, made on first use. POSIX sh; the caller stands in the checkout's top folder.

say() { printf '[setup] %s\n' "$*" >&2; }

give_up() {
  say "$*"
  exit 1
}

# Install Debian packages, as root or with a sudo that asks no password; otherwise fail.
apt_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif sudo -n true 2>/dev/null; then
    as_root="sudo"
  else
    return 1
  fi
  say "apt-get install $*"
  # Services that come with the packages shall not be set up: the tests start private ones.
  $as_root env DEBIAN_FRONTEND=noninteractive sh -c '
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections 2>/dev/null
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"
  ' apt "$@" </dev/null >.apt.log 2>&1 || {
    tail -n 20 .apt.log >&2
    return 1
  }
  rm -f .apt.log
}

# Print the path of a Python that is new enough.
find_python() {
  for python in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    [ -n "$python" ] && command -v "$python" >/dev/null 2>&1 || continue
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$python"
      return 0
    fi
  done
  return 1
}

# A Python whose venv can hold pip: Debian parts that off into python3-venv.
find_python_with_venv() {
  python=$(find_python) && "$python" -c 'import ensurepip, venv' 2>/dev/null && echo "$python"
}

new_venv() {
  python=$(find_python_with_venv) || {
    apt_install python3 python3-venv && python=$(find_python_with_venv)
  } || give_up "Python 3.11 or newer with its venv module is needed: apt-get install python3 python3-venv (or set PYTHON)"
  rm -rf .venv
  "$python" -m venv .venv
}

# The state of the lock file $1 and all that it builds on.
lock_state() { cat "$1" requirements.txt pyproject.toml | cksum; }

is_installed() { [ "$(cat ".venv/.installed-$1" 2>/dev/null)" = "$(lock_state "$1")" ]; }

# make_venv LOCKFILE: a virtual environment with exactly what the lock file names; nothing to do the next time.
make_venv() {
  .venv/bin/python -c '' 2>/dev/null || new_venv
  # The lock of development holds that of running too.
  if is_installed "$1" || is_installed requirements-dev.txt; then
    return 0
  fi
  say "installing the packages of $1, once"
  # The lock is complete. Left to resolve again, pip takes a newer release for a requirement with an extra, and refuses it.
  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    -r "$1" </dev/null || give_up "the packages in $1 could not be installed, see above"
  lock_state "$1" >".venv/.installed-$1"
}

has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

has_chromium() { [ -n "${CHROMIUM_BIN:-}" ] || has chromium || has chromium-browser || has google-chrome; }

has_postgres() { [ -n "${PG_BIN:-}" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

# Servers and browser for the tests. What cannot be installed is left to the tests, which then fail and say what is missing.
need_test_servers() {
  set --
  has_chromium || set -- "$@" chromium
  has_postgres || set -- "$@" postgresql
  has redis-server || has valkey-server || set -- "$@" redis-server
  has postfix || set -- "$@" postfix
  has xgettext || set -- "$@" gettext
  has saslpasswd2 || set -- "$@" sasl2-bin
  ls /usr/lib/*/sasl2/libplain.so >/dev/null 2>&1 || set -- "$@" libsasl2-modules
  # Playwright's driver needs it; a minimal Debian lacks it.
  ls /usr/lib/*/libatomic.so.1 >/dev/null 2>&1 || set -- "$@" libatomic1
  [ $# = 0 ] || apt_install "$@" || say "not installed: $*"
}
