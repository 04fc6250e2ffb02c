#!/usr/bin/env python3
"""`outreach check` beside Google's library for numbers, and beside DuckDB's reader for the file. Prints one table.

usage: numbers.py OUTREACH [ROWS]

Needs the Python packages phonenumbers and duckdb, and for Google's own C++ library a C++ compiler and libphonenumber
(Debian: g++ libphonenumber-dev); what is missing is left out, and that is said. `check` reads the file, finds columns,
encoding and separator, checks each number and finds duplicates; the others do one of these.
"""
import json, os, subprocess, sys, tempfile, time
from pathlib import Path

import peers

HERE = Path(__file__).parent
OUTREACH = os.path.abspath(sys.argv[1])
ROWS = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
ABROAD = ["+4915112{:06d}", "+447400{:06d}", "+1201555{:04d}", "+336123{:05d}", "+393312{:06d}", "0043664{:07d}"]


def phone(i):
    """Nine in ten as the list of peers.py has them, one in ten of another country."""
    if i % 10 == 3:
        form = ABROAD[i // 10 % len(ABROAD)]
        digits = int(form.rsplit(":0", 1)[1][0])
        return form.format(i * 7_919 % 10**digits)
    return peers.spelled(i)


def timed(command, **more):
    """Seconds, CPU seconds, megabytes, and what it printed."""
    before = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more)
    text = process.stdout.read()
    _, _, used = os.wait4(process.pid, 0)
    return time.monotonic() - before, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text


PYTHON = """
import sys, phonenumbers
valid = 0
for line in open(sys.argv[1], encoding="utf-8"):
    try:
        number = phonenumbers.parse(line, "CZ")
    except phonenumbers.NumberParseException:
        continue
    if phonenumbers.is_valid_number(number):
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        valid += 1
print(valid)
"""
DUCKDB = """
import sys, duckdb
duckdb.sql("SET threads = 2")
print(duckdb.sql(f"SELECT count(*), count(DISTINCT phone) FROM read_csv('{sys.argv[1]}', all_varchar = true)").fetchall())
"""


def main():
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        contacts, numbers, none = f"{folder}/contacts.csv", f"{folder}/numbers.txt", f"{folder}/none.db"
        with open(contacts, "w", encoding="utf-8") as list_, open(numbers, "w", encoding="utf-8") as plain:
            list_.write("id,first_name,city,phone\n")
            for i in range(ROWS):
                number = phone(i)
                list_.write(f"{i},Jana,Brno,{number}\n")
                plain.write(number + "\n")
        rows = []

        def add(name, did, measured, valid):
            seconds, cpu, memory, _ = measured
            rows.append([name, did, f"{seconds:.1f}", f"{cpu:.1f}", f"{ROWS / cpu:,.0f}", f"{memory:.0f}", valid])

        environment = {"PATH": os.environ["PATH"], "HOME": folder, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        ours = timed([OUTREACH, "check", contacts, "--region", "CZ", "--db", none, "--json"], env=environment)
        told = json.loads(ours[3])
        add("outreach check", "all of it", ours, told["queued"] + told["duplicate"])
        binary = f"{folder}/numbers"
        built = subprocess.run(["c++", "-O2", str(HERE / "numbers.cc"), "-o", binary, "-lphonenumber"], capture_output=True)
        if built.returncode == 0:
            with open(numbers) as plain:
                measured = timed([binary, "CZ"], stdin=plain)
            add("Google's library, C++", "numbers", measured, measured[3].strip())
        else:
            print("no C++ compiler, or no libphonenumber: left out", file=sys.stderr)
        for name, did, script, file in [("phonenumbers, Python", "numbers", PYTHON, numbers),
                                        ("DuckDB", "reads the file, distinct texts", DUCKDB, contacts)]:
            measured = timed([sys.executable, "-c", script, file], env=environment)
            if measured[3]:
                add(name, did, measured, measured[3].strip() if script is PYTHON else "-")
            else:
                print(f"{name} is missing: left out", file=sys.stderr)
        head = ["", "does", "seconds", "CPU s", "rows a CPU s", "MB", "valid numbers"]
        widths = [max(len(str(cell)) for cell in column) for column in zip(head, *rows)]
        for row in [head, ["-" * width for width in widths], *rows]:
            print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |")


main()
