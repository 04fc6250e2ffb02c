#!/usr/bin/env bash
# One night: sends every list in inbox/, in the order of their names, and files it away.
#
#   nightly.sh [FOLDER]        (default: the current folder)
#
# FOLDER holds outreach.toml (message, channel, hours: see outreach.toml beside this script) and inbox/.
# A list stays in inbox/ until its batch is complete, so that the next night goes on where this one
# stopped: the same command on the same list continues it, and nobody is messaged twice.
#
# The summary goes to standard output, which cron mails and systemd keeps in its journal. It shows
# numbers masked. Exit code: that of the last run that was not in order, else 0.
set -uo pipefail

outreach=${NIGHTLY_OUTREACH:-outreach}
until=${NIGHTLY_UNTIL:-06:00}

cd "${1:-.}" || exit 8
mkdir -p inbox sent refused results || exit 8
worst=0
summary=$(mktemp) || exit 8
trap 'rm -f -- "$summary"' EXIT

shopt -s nullglob
lists=(inbox/*)
if [ ${#lists[@]} -eq 0 ]; then
    echo "No list in $PWD/inbox: nothing to send."
    exit 0
fi

for list in "${lists[@]}"; do
    echo "== ${list#inbox/}, $(date '+%F %R')"
    results="results/$(basename "$list").results.csv"
    "$outreach" send "$list" --yes --until "$until" --out "$results" --summary "$summary" 2>&1
    code=$?
    [ "$code" -eq 0 ] || worst=$code
    case $code in
    0) mv -- "$list" sent/ ;;
    3) # What ended in error or unknown is in the summary, with the command that settles it.
        if grep -q '"queued": 0,' "$summary"; then
            mv -- "$list" sent/
            echo "-> Look at the summary above; unknown outcomes wait for 'outreach resolve'."
        else # Somebody may have the same message from another list. The list stays, and goes on once that is known.
            echo "-> Some wait for the outcome of another batch: settle that one by 'outreach resolve'; the list stays in inbox/."
        fi
        ;;
    4) # The night is over. The list stays; the next night goes on.
        echo "-> Paused; the next night goes on."
        break
        ;;
    5) # Whatever stopped this list (token, permission, template, outage) would stop the next one too.
        echo "-> A guard stopped it. Mend what it names; the list stays in inbox/."
        break
        ;;
    7) # Only this list is unusable; nothing of it was sent.
        mv -- "$list" refused/
        echo "-> Nothing of it was sent. Mend it in refused/ and put it back into inbox/."
        ;;
    9) # Somebody sends this very list by hand.
        echo "-> Another process sends it; left alone."
        ;;
    *) # Command line, settings, storage, or a defect: the other lists would fare no better.
        echo "-> Exit code $code; the list stays in inbox/. 'outreach doctor' tells more."
        break
        ;;
    esac
done
exit "$worst"
