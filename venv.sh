# SPDX-License-Identifier: Apache-2.0
# What ./run and ./test share: install into .venv, and tell how far that is.
# They read this file; $BIN is where the programs of .venv lie.

# install_into_venv FILE [PACE]: the packages that FILE names, then FedSafe itself.
# How far it is is told each second on a terminal, else every five, or every PACE.
install_into_venv() {
    log=.venv/.install.log
    began=.venv/.install.began
    : >"$log"
    : >"$began"
    tell_install "$1" "${2-}" &
    teller=$!
    failed=0
    {
        "$BIN/python" -m pip install --disable-pip-version-check --progress-bar off \
            --require-hashes -r "$1" &&
            "$BIN/python" -m pip install --disable-pip-version-check \
                --no-deps --no-build-isolation --editable .
    } >"$log" 2>"$log.errors" || failed=$?
    kill "$teller" 2>/dev/null || true
    wait "$teller" 2>/dev/null || true
    [ ! -t 2 ] || printf '\r\033[K' >&2
    cat "$log.errors" >&2
    [ "$failed" -eq 0 ] || explain_install
}

# Tell on standard error how far pip is: by its log, then by what it has written.
tell_install() {
    all=$(grep -c '^[A-Za-z0-9].*==' "$1" || true)
    pace=${2:-5}
    [ ! -t 2 ] || pace=${2:-1}
    while kill -0 $$ 2>/dev/null; do # Ctrl-C does not reach what is in the background
        sleep "$pace" </dev/null >/dev/null 2>&1
        if grep -q '^Installing collected packages' "$log"; then
            told=installing
            number=$(find .venv/lib/python*/site-packages/*.dist-info -prune \
                -newer "$began" 2>/dev/null | wc -l)
        else
            told=$(sed -n 's/^Collecting \([^= ]*\).*/fetching \1/p' "$log" | tail -n 1)
            number=$(grep -cE '^(Collecting|Requirement already|Ignoring) ' "$log" || true)
        fi
        [ "$number" -le "$all" ] || number=$all
        told="  package $((number)) of $all: ${told:-looking for packages}"
        if [ -t 2 ]; then
            printf '\r\033[K%s' "$told" >&2
        else
            echo "$told" >&2
        fi
    done
}

# Say what to do about an installation that failed, as far as pip's words tell.
explain_install() {
    if grep -q 'No space left' "$log.errors"; then
        hint="make room on this disk, then start it again"
    elif grep -q 'No module named pip' "$log.errors"; then
        hint="rm -r .venv; on Debian, apt install python3-venv; then start it again"
    elif grep -q 'DO NOT MATCH THE HASHES' "$log.errors"; then
        hint="a package is not the one that was meant: is a proxy or mirror between?"
    elif grep -qE 'Retrying|[Cc]onnection|resolve|timed out|No matching' "$log.errors"; then
        hint="is the network there? HTTPS_PROXY names a proxy, PIP_INDEX_URL a mirror"
    else
        hint="what pip did until then is in $log"
    fi
    echo "fedsafe: error: the packages could not be installed" >&2
    echo "fedsafe: hint: $hint" >&2
    exit 1
}
