#!/usr/bin/env python3
"""The same list, on the same machine, against the same simulated API, sent by each in turn. Prints one table.

usage: peers.py OUTREACH [ROWS] [CONNECTIONS]

OUTREACH is a release build; it plays the API too, started anew for each run so that its account is the run's own.
Needs the Python packages phonenumbers and aiohttp; parallel and curl are left out, and that is said, where they are missing.

Three runs each: the whole list with no quota (seconds, messages a second, CPU, memory, wrong numbers, lost); the whole
list, killed by SIGKILL half way, then started again (messaged twice, lost); a tenth of it with a quota
of a third in ten seconds (requests over it, lost).
Lost: people of the list that neither got the message nor are told of as not having got it.
"""
import csv, json, os, shutil, signal, subprocess, sys, tempfile, threading, time, urllib.request
from pathlib import Path

HERE = Path(__file__).parent
OUTREACH = os.path.abspath(sys.argv[1])
ROWS = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
CONNECTIONS = sys.argv[3] if len(sys.argv) > 3 else "16"
CHANNEL = "7001200300400500601"
ENVIRONMENT = {"PATH": os.environ["PATH"], "AMIO_TOKEN": "sandbox-token", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
NAMES = ["Jana", "Petr", "Eva", "Lucie", "Martin", '"Novák, Jan"']


def number(i):
    return "7" + "2379"[i % 4] + "%07d" % (i * 7_654_321 % 10_000_000)


def spelled(i):
    """A number as lists have it."""
    d = number(i)
    # One number in a hundred each.
    rare = {11: f"+420 (0) {d}", 12: f"tel:+420{d}", 13: f"'+420{d}", 14: f"https://wa.me/420{d}"}
    if i % 100 in rare:
        return rare[i % 100]
    spellings = [d, f"+420 {d[:3]} {d[3:6]} {d[6:]}", f"00420{d}", f"(+420) {d[:3]}-{d[3:6]}-{d[6:]}", f"{d[:3]}/{d[3:6]}.{d[6:]}",
                 f"\u00a0+420\u00a0{d}", f"+420{d}"]
    return spellings[i % len(spellings)]


def write_list(path, rows):
    """Writes the list, and returns the people in it."""
    people, bad = set(), ["n/a", "12345", "", "4.20777E+11", "zavolat"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("id,first_name,city,phone\n")
        for i in range(rows):
            if i % 50 == 7:
                phone = bad[i // 50 % len(bad)]
            elif i % 50 == 9:
                phone = spelled(i - 9)
            else:
                phone = spelled(i)
                people.add("420" + number(i))
            file.write(f"{i},{NAMES[i % len(NAMES) if i % 6 < 5 or i % 300 == 5 else 0]},Brno,{phone}\n")
    return people


class Api:
    """The simulated API in a process of its own."""

    def __init__(self, *flags):
        command = [OUTREACH, "sandbox", "--listen", "127.0.0.1:0", "--no-messenger", "0%", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()

    def get(self, page):
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/sandbox/" + page) as answer:
            return answer.read().decode()

    def stats(self):
        return json.loads(self.get("stats"))

    def accepted(self):
        return {person["number"]: person["count"] for person in map(json.loads, self.get("accepted").splitlines())}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Outreach:
    name = "outreach"

    def command(self, folder, contacts, url):
        return [OUTREACH, "send", str(contacts), "--yes", "--quiet", "--base-url", url, "--channel", CHANNEL, "--region", "CZ",
                "--db", f"{folder}/outreach.db", "--out", f"{folder}/results.csv", "--concurrency", CONNECTIONS,
                "--message", "Hello {{ first_name }}"]

    def told(self, folder):
        """Who is told of as not, or not surely, having got the message."""
        with open(f"{folder}/results.csv", encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        return {row["outreach_phone"].lstrip("'+") for row in rows if row["outreach_status"] not in ("sent", "duplicate")}


class Script:
    def __init__(self, durable):
        self.durable = durable
        self.name = "Python, durable" if durable else "Python, not durable"

    def command(self, folder, contacts, url):
        arguments = [str(contacts), url, CHANNEL, f"{folder}/sent.db", CONNECTIONS, *(["durable"] if self.durable else [])]
        return [sys.executable, str(HERE / "script.py"), *arguments]

    def told(self, folder):
        return set()


class Parallel:
    name = "parallel, curl"

    def command(self, folder, contacts, url):
        return ["bash", str(HERE / "parallel.sh"), str(contacts), url, CHANNEL, f"{folder}/joblog", CONNECTIONS]

    def told(self, folder):
        return set()


class Bare:
    """The limit: reqwest alone, with nothing checked and nothing kept."""

    name = "bare reqwest"

    def command(self, folder, contacts, url):
        return [str(self.program()), url, CHANNEL, str(ROWS), CONNECTIONS]

    def program(self):
        target = HERE.parents[1] / "target/peers-bare"
        build = ["cargo", "build", "--release", "--quiet", "--manifest-path", str(HERE / "bare/Cargo.toml"), "--target-dir", str(target)]
        subprocess.run(build, check=True)
        return target / "release/bare"


def run(command, folder, until=None):
    """Runs it to its end, or kills it with all its children when `until` says so. Seconds, CPU seconds, megabytes."""
    before = time.monotonic()
    with open(f"{folder}/output", "ab") as output:
        process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT | {"HOME": str(folder)}, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, start_new_session=True)
    if until:
        def watch():
            while process.returncode is None and not until():
                time.sleep(0.02)
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        threading.Thread(target=watch, daemon=True).start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # parallel ends with the number of jobs that failed.
    if not until and process.returncode not in (0, 3) and command[0] != "bash":
        tail = Path(f"{folder}/output").read_text(errors="replace")[-800:]
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{tail}")
    return time.monotonic() - before, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def limit(peer):
    """Speed is all that can be asked of it."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        with Api("--quota", "1000000000") as api:
            command = peer.command(folder, None, api.url)
            seconds, cpu, memory = run(command, folder)
            accepted = api.accepted()
    return [peer.name, ROWS, f"{seconds:.1f}", f"{len(accepted) / seconds:,.0f}", f"{cpu:.1f}", f"{memory:.0f}", *["-"] * 6]


def measure(peer, rows):
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as top:
        def fresh(name, rows):
            folder = Path(top) / name
            folder.mkdir()
            return folder, folder / "contacts.csv", write_list(folder / "contacts.csv", rows)

        folder, contacts, people = fresh("speed", rows)
        with Api("--quota", "1000000000") as api:
            seconds, cpu, memory = run(peer.command(folder, contacts, api.url), folder)
            accepted = api.accepted()
        wrong = len(set(accepted) - people)
        lost = len(people - set(accepted) - peer.told(folder))

        folder, contacts, people = fresh("kill", rows)
        with Api("--quota", "1000000000", "--latency", "5ms") as api:
            half = len(people) // 2
            run(peer.command(folder, contacts, api.url), folder, until=lambda: api.stats()["accepted"] >= half)
            run(peer.command(folder, contacts, api.url), folder)
            after = api.accepted()
        twice = sum(count > 1 for count in after.values())
        lost_by_kill = len(people - set(after) - peer.told(folder))

        folder, contacts, people = fresh("quota", max(rows // 10, 100))
        with Api("--quota", str(max(len(people) // 3, 1)), "--window", "10s") as api:
            run(peer.command(folder, contacts, api.url), folder)
            over = api.stats()["throttled"]["quota"]
            lost_by_quota = len(people - set(api.accepted()) - peer.told(folder))
    return [peer.name, rows, f"{seconds:.1f}", f"{len(accepted) / seconds:,.0f}", f"{cpu:.1f}", f"{memory:.0f}", wrong, lost, twice,
            lost_by_kill, over, lost_by_quota]


def main():
    # Parallel starts a process for each message: a tenth of the list is enough to know how fast it is.
    peers = [(Outreach(), ROWS), (Script(durable=True), ROWS), (Script(durable=False), ROWS)]
    if shutil.which("parallel") and shutil.which("curl"):
        peers.append((Parallel(), max(ROWS // 10, 100)))
    else:
        print("parallel or curl is missing: left out", file=sys.stderr)
    head = ["", "rows", "seconds", "messages/s", "CPU s", "MB", "wrong numbers", "lost", "twice after kill", "lost after kill",
            "over quota", "lost by quota"]
    rows = [[str(cell) for cell in limit(Bare())]]
    for peer, count in peers:
        print(peer.name, file=sys.stderr)
        rows.append([str(cell) for cell in measure(peer, count)])
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


if __name__ == "__main__":
    main()
