#!/bin/bash
# How cost grows with work. usage: growth.sh BINARY [SIZES...]  (10000 100000 1000000 3000000; 10000000 and above: check only, unless ONLY says more)
# One TSV line per (command, size). ONLY="check send stalls batches ..." runs some parts (see growth.py); TMPDIR: where (needs 3 KB a row).
exec python3 "$(dirname "$(readlink -f "$0")")/growth.py" "$@"
