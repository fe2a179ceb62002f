# Sourced by the scripts beside it: a fresh virtual environment in a temporary folder, and the command that the README gives.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
"$(command -v python3.11 || command -v python3)" -m venv "$environment"
source "$environment/bin/activate"

test_command() { # the line in the block after the README's marker
    awk '/^<!-- test command -->$/ {found = 1; next} found && /^```/ {fences++; next} found && fences == 1 {print} fences == 2 {exit}' README.md
}
command=$(test_command)
[ -n "$command" ] || { echo "README.md: no block after <!-- test command -->" >&2; exit 1; }
export PIP_NO_COMPILE=1 # only what is imported is compiled, when it is: of all that is installed that takes a minute
export CI=true # what cannot be tested here, such as the report page without a browser, then fails instead of being skipped
if ! command -v chromium > /dev/null && [ "$(id -u)" = 0 ]; then
    { apt-get update && apt-get install --yes --no-install-recommends chromium; } > "$environment/apt.log" 2>&1 \
        || { cat "$environment/apt.log" >&2; exit 1; }
fi
