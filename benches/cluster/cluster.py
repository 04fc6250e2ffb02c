#!/usr/bin/env python3
"""What a cluster costs: beside SQLite alone, and with one, two and four machines.

usage: cluster.py OUTREACH WHAT...

OUTREACH is a release build; it plays the API too. PostgreSQL's server programs must be installed; as root it runs as
the user postgres. FOLDER in the environment says where the files lie (default: a temporary folder). WHAT is any of

  rate ROWS CONNECTIONS   messages a second of a batch, alone and in a cluster
  append ROWS CONNECTIONS how long an append takes, from a proxy's view: p50 and p99
  detach ROWS             `send --detach`, alone and in a cluster
  nodes ROWS CONNECTIONS  1, 2 and 4 machines with a batch each, on tokens of their own, with an API of 50 ms
  join ROWS               snapshot, a new machine joins, and the sender's machine is lost three times

Each line tells the machine's load: on a busy one only CPU seconds mean anything.
"""
import json, os, pwd, shutil, signal, socket, subprocess, sys, tempfile, threading, time, urllib.request
from glob import glob

OUTREACH = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp(prefix="cluster", dir=os.environ.get("FOLDER", "/tmp"))
os.chmod(FOLDER, 0o755)
PROGRAMS = sorted(glob("/usr/lib/postgresql/*/bin"))[-1]
CHANNEL = "7001200300400500601"
TICKS = os.sysconf("SC_CLK_TCK")


def cpu(process):
    """CPU seconds of a process and its children, those that are gone included."""
    ticks = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(pid) == process.pid or int(fields[1]) == process.pid:
            times = fields[11:15] if int(pid) == process.pid else fields[11:13]
            ticks += sum(map(int, times))
    return ticks / TICKS


class Engine:
    def __init__(self):
        self.folder = tempfile.mkdtemp(dir=FOLDER)
        user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.who = dict(user=user.pw_uid, group=user.pw_gid) if user else {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        data = self.folder + "/data"
        initdb = [PROGRAMS + "/initdb", "--auth=trust", "--username=outreach", "--encoding=UTF8", "--locale=C", "--pgdata", data]
        subprocess.run(initdb, stdout=subprocess.DEVNULL, cwd=self.folder, check=True, **self.who)
        server = [PROGRAMS + "/postgres", "-D", data, "-p", str(self.port), "-k", "", "-c", "listen_addresses=127.0.0.1"]
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process = subprocess.Popen(server, cwd=self.folder, **quiet, **self.who)
        while not self.sql("SELECT 1"):
            time.sleep(0.1)

    def url(self, name, port=None):
        return f"postgres://outreach@127.0.0.1:{port or self.port}/postgres#{name}"

    def sql(self, sql):
        psql = [PROGRAMS + "/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "outreach", "-d", "postgres", "-Atqc", sql]
        return subprocess.run(psql, capture_output=True, text=True).stdout.strip()

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()


class Api:
    def __init__(self, *arguments):
        api = [OUTREACH, "sandbox", "--listen", "127.0.0.1:0", "--no-messenger", "0%", "--quota", "1000000000", *arguments]
        self.process = subprocess.Popen(api, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, text=True)
        self.url = self.process.stdout.readline().strip()

    def accepted(self):
        stats = urllib.request.urlopen(self.url.removesuffix("/v1") + "/sandbox/stats")
        return json.load(stats)["accepted"]


class Machine:
    def __init__(self, url=None):
        self.folder = tempfile.mkdtemp(dir=FOLDER)
        self.url = url

    def start(self, *arguments, token="sandbox-token"):
        environment = {"AMIO_TOKEN": token, "PATH": os.environ["PATH"], "XDG_DATA_HOME": self.folder + "/home"}
        if self.url:
            environment["OUTREACH_CLUSTER"] = self.url
        words = open(self.folder + "/words", "a")
        return subprocess.Popen([OUTREACH, *arguments], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=words)

    def run(self, *arguments, **which):
        """Seconds, CPU seconds and memory of a command that must succeed."""
        begin = time.time()
        process = self.start(*arguments, **which)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{arguments}: {process.returncode}\n" + open(self.folder + "/words").read()[-2000:])
        return time.time() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024

    def detach(self, api, batch, rows, first=0, **which):
        with open(self.folder + "/contacts.csv", "w") as contacts:
            contacts.write("phone,first_name\n")
            contacts.writelines(f"+{420773000000 + n},Person{n}\n" for n in range(first, first + rows))
        message = ["--message", "Hello {{ first_name }}, " + batch, "--message-again", "--quiet", "--detach"]
        return self.run("send", "contacts.csv", "--yes", "--batch", batch, *message, "--base-url", api.url, "--channel", CHANNEL, **which)

    def gone(self):
        shutil.rmtree(self.folder)


def sending(api, batch, connections):
    return ["resume", batch, "--yes", "--quiet", "--base-url", api.url, "--concurrency", str(connections)]


def say(text):
    print(f"{text} (load {os.getloadavg()[0]:.0f})", flush=True)


def begin(engine, name):
    machine = Machine(engine.url(name))
    machine.run("cluster", "init")
    return machine


def rate(engine, rows, connections):
    api = Api()
    for kind in ("alone", "cluster"):
        machine = begin(engine, f"rate{connections}") if kind == "cluster" else Machine()
        machine.detach(api, "batch", rows)
        before = cpu(engine.process), cpu(api.process)
        seconds, own, _ = machine.run(*sending(api, "batch", connections))
        engines, apis = cpu(engine.process) - before[0], cpu(api.process) - before[1]
        each = [f"{name} {part / rows * 1e6:.0f} us" for name, part in (("own", own), ("engine", engines), ("API", apis))]
        say(f"{kind}, {connections} connections: {rows / seconds:.0f} messages/s; CPU a message: {', '.join(each)}")
        machine.gone()
    api.process.kill()


def proxy(engine, times):
    """A port that leads to the engine; notes how long each append took."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink, note):
        while chunk := source.recv(1 << 20):
            note(chunk)
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)

    def connect():
        while True:
            client, server, asked = listener.accept()[0], socket.create_connection(("127.0.0.1", engine.port)), []
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def ask(chunk, asked=asked):
                if b"done AS (INSERT" in chunk:
                    asked.append(time.perf_counter())

            def answer(chunk, asked=asked):
                if asked and chunk[-6:-1] == b"Z\0\0\0\5":
                    times.append(time.perf_counter() - asked.pop())

            for way in ((client, server, ask), (server, client, answer)):
                threading.Thread(target=pump, args=way, daemon=True).start()

    threading.Thread(target=connect, daemon=True).start()
    return listener.getsockname()[1]


def append(engine, rows, connections):
    api, times, name = Api(), [], f"append{connections}"
    machine = begin(engine, name)
    machine.detach(api, "batch", rows)
    machine.url = engine.url(name, proxy(engine, times))
    machine.run(*sending(api, "batch", connections))
    times.sort()
    at = lambda share: times[int(len(times) * share)] * 1000
    say(f"{connections} connections: {len(times)} appends of {rows / len(times):.1f} messages, p50 {at(0.5):.2f} ms, p99 {at(0.99):.2f} ms")
    api.process.kill()


def detach(engine, rows):
    api = Api()
    for kind in ("alone", "cluster"):
        machine = begin(engine, "detach") if kind == "cluster" else Machine()
        before = cpu(engine.process)
        seconds, own, memory = machine.detach(api, "batch", rows)
        say(f"{kind}: {rows / seconds:.0f} rows/s, {seconds:.1f} s; CPU {own:.1f} s, engine {cpu(engine.process) - before:.1f} s; {memory} MB")
        machine.gone()
    api.process.kill()


def nodes(engine, rows, connections):
    tokens = [f"token{n}" for n in range(4)]
    api, one = Api("--latency", "50ms", *(word for token in tokens for word in ("--token", token))), None
    for machines in (1, 2, 4):
        first = begin(engine, f"nodes{machines}")
        all = [first] + [Machine(first.url) for _ in range(machines - 1)]
        for n, machine in enumerate(all):
            machine.detach(api, f"batch{n}", rows, n * rows, token=tokens[n])
        for machine in all:
            machine.run("status")
        start, sum, own = time.time(), 0, 0
        running = {machine.start(*sending(api, f"batch{n}", connections), token=tokens[n]).pid for n, machine in enumerate(all)}
        while running:
            pid, _, used = os.wait4(-1, 0)
            if pid in running:
                running.remove(pid)
                sum += rows / (time.time() - start)
                own += used.ru_utime + used.ru_stime
        one = one or sum
        say(f"{machines} machines: {sum:.0f} messages/s, {sum / machines / one:.2f} of the sum; CPU a message {own / machines / rows * 1e6:.0f} us")
    api.process.kill()


def join(engine, rows):
    api = Api("--latency", "20ms")
    ours = begin(engine, "join")
    told = lambda what, used: say(f"{what}: {used[0]:.1f} s, CPU {used[1]:.1f} s, {used[2]} MB")
    told(f"send --detach of {rows}", ours.detach(api, "batch", rows))
    told("snapshot", ours.run("cluster", "compact"))
    theirs = Machine(ours.url)
    told("a new machine joins", theirs.run("status"))
    for _ in range(3):
        sender, before = ours.start(*sending(api, "batch", 8)), api.accepted()
        while api.accepted() < before + 50:
            time.sleep(0.05)
        worker = theirs.start("worker", "--quiet", "--base-url", api.url, "--concurrency", "8")
        time.sleep(8)
        sender.kill()
        sender.wait()
        gone = time.time()
        time.sleep(0.3)
        before = api.accepted()
        while api.accepted() == before:
            time.sleep(0.02)
        say(f"another machine sends after {time.time() - gone:.1f} s")
        worker.terminate()
        worker.wait()
        ours, theirs = theirs, ours
    api.process.kill()


MEASURES = {"rate": (rate, 2), "append": (append, 2), "detach": (detach, 1), "nodes": (nodes, 2), "join": (join, 1)}
words = sys.argv[2:]
engine = Engine()
try:
    while words:
        measure, count = MEASURES[words.pop(0)]
        numbers, words = words[:count], words[count:]
        measure(engine, *map(int, numbers))
finally:
    engine.stop()
    shutil.rmtree(FOLDER)
