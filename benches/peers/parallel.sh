#!/usr/bin/env bash
# GNU parallel with curl: what people type in place of this program. The log lets a second run leave out what is done.
# usage: parallel.sh LIST URL CHANNEL LOG CONNECTIONS
set -euo pipefail
list=$1 log=$4 connections=$5
export URL=$2 CHANNEL=$3
send() {
    curl -sf --retry 5 --retry-delay 1 -o /dev/null -H "Authorization: Bearer $AMIO_TOKEN" -H 'Content-Type: application/json' \
        -d "{\"channel\":{\"id\":\"$CHANNEL\"},\"contact\":{\"phone_number\":\"$1\"},\"content\":{\"type\":\"text\",\"payload\":\"Hello\"}}" \
        "$URL/messages"
}
export -f send
# The fourth column, digits and plus alone; nine digits are Czech.
tail -n +2 "$list" | cut -d, -f4 | sed 's/[^0-9+]//g; s/^00/+/; s/^[0-9]\{9\}$/+420&/; s/^420/+420/' | grep '^+' | sort -u |
    parallel --will-cite --jobs "$connections" --joblog "$log" --resume send
