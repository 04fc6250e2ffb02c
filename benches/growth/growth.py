#!/usr/bin/env python3
"""See growth.sh. CPU (user+sys), wall and peak memory are GNU time's; bytes: checkpoint with its log after the command, or the
file it wrote; written_mb: what it handed to the disk; gap_ms: longest time between two requests that the API saw meanwhile."""
import os, sys, subprocess, time, tempfile, sqlite3, shutil, signal, socket
O = os.path.abspath(sys.argv[1]); SIZES = [int(x) for x in sys.argv[2:]] or [10_000, 100_000, 1_000_000, 3_000_000]
H = os.path.dirname(os.path.abspath(__file__)); ONLY = set(os.environ.get('ONLY', 'check send again kill look people guard change suppress resolve serve beside wal stalls forget doctor batches').split())
W = tempfile.mkdtemp(prefix='growth-'); os.chdir(W); KEEP = os.environ.get('KEEP')
CH = '7001200300400500601'; MSG = 'Hello {{ first_name }}, your order {{ order_id }} is ready.'; SECRET = 'hook-secret'
ENV = dict({k: v for k, v in os.environ.items() if not k.startswith(('OUTREACH', 'AMIO'))}, AMIO_TOKEN='sandbox-token', HOME=W, OUTREACH_WEBHOOK_SECRET=SECRET)
ROW = ['--region', 'CZ']; UPDATE_MAX = int(os.environ.get('UPDATE_MAX', '20000'))  # --update was quadratic when this was written
def say(*a): print(*a, file=sys.stderr, flush=True)
def out(name, rows, cpu, wall, peak, size, written=0, rc=0, gap='', note=''):
    print(f'{name}\t{rows}\t{cpu:.2f}\t{wall:.2f}\t{peak:.1f}\t{size}\t{written:.0f}\t{rc}\t{gap}\t{note}', flush=True)
def size(*paths): return sum(os.path.getsize(p) for p in paths if os.path.exists(p))
def dbsize(db): return size(db, db + '-wal')
def gen(path, n, kind='list', first=0):
    if not os.path.exists(path): subprocess.run([sys.executable, H + '/gen.py', path, str(n), kind, str(first)], check=True)
    return path
class Proc:
    """A command under GNU time."""
    n = 0
    def __init__(s, *cmd, env=ENV):
        Proc.n += 1; s.f = f't{Proc.n}.txt'; s.t0 = time.time()
        s.o = open(f'o{Proc.n % 50}.txt', 'w+'); s.p = subprocess.Popen(['/usr/bin/time', '-o', s.f, '-f', '%U %S %e %M %O', O, *cmd], stdin=subprocess.DEVNULL, stdout=s.o, stderr=subprocess.STDOUT, env=env); s.pid = None
        for _ in range(200):
            try: s.pid = int(open(f'/proc/{s.p.pid}/task/{s.p.pid}/children').read().split()[0]); break
            except (OSError, IndexError):
                if s.p.poll() is not None: break
                time.sleep(.005)
    def cpu(s):
        try: f = open(f'/proc/{s.pid}/stat').read().rsplit(')', 1)[1].split(); return (int(f[11]) + int(f[12])) / os.sysconf('SC_CLK_TCK')
        except OSError: return 0
    def rss(s):
        try: return int([l for l in open(f'/proc/{s.pid}/status') if l.startswith('VmHWM')][0].split()[1]) / 1024
        except (OSError, IndexError): return 0
    def written(s):
        try: return int([l for l in open(f'/proc/{s.pid}/io') if l.startswith('write_bytes')][0].split()[1]) / 1e6
        except (OSError, IndexError): return 0
    def kill(s, sig=signal.SIGKILL):
        try: os.kill(s.pid, sig)
        except (OSError, TypeError): pass
    def wait(s):
        s.rc = s.p.wait(); s.t1 = time.time(); u, y, e, k, w = open(s.f).read().split('\n')[-2].split(); os.unlink(s.f)
        s.c, s.wall, s.peak, s.w = float(u) + float(y), float(e), int(k) / 1024, int(w) * 512 / 1e6; s.o.seek(0); s.text = s.o.read() if os.path.getsize(s.o.name) < 1 << 20 else ''; s.o.close(); return s
def run(name, rows, *cmd, db=None, file=None, ok=(0, 3), note=''):
    p = Proc(*cmd).wait()
    if p.rc not in ok: say(name, 'exit', p.rc, p.text[-600:]); note += ' ' + p.text.strip()[-160:].replace('\n', ' | ').replace('\t', ' ')
    out(name, rows, p.c, p.wall, p.peak, size(file) if file else dbsize(db) if db else 0, p.w, p.rc, note=note); return p
class Api:
    def __init__(s, *a):
        s.p = subprocess.Popen([O, 'sandbox', '--listen', '127.0.0.1:0', '--quota', '0', '--latency', '0ms', *a], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENV)
        s.url = s.p.stdout.readline().strip()
        if not s.url.startswith('http'): raise SystemExit('the sandbox does not start')
    def close(s): s.p.terminate(); s.p.wait()
class GapApi:
    def __init__(s):
        s.port = free(); s.log = f'gaps{s.port}.txt'; s.p = subprocess.Popen([sys.executable, H + '/api.py', str(s.port), s.log]); s.url = f'http://127.0.0.1:{s.port}/v1'
        reach(s.port)
    def close(s):
        s.p.terminate(); s.p.wait(); l = [x.split('\t') for x in open(s.log).read().split('\n') if x]; s.last = l.pop(); return [(float(a), int(b)) for a, b in l]
def free(): s = socket.socket(); s.bind(('127.0.0.1', 0)); p = s.getsockname()[1]; s.close(); return p
def reach(port):
    for _ in range(200):
        try: socket.create_connection(('127.0.0.1', port)).close(); return
        except OSError: time.sleep(.05)
FAST = ['--rate', '100000000/h']
def real(api, *more, m=MSG): return ['--base-url', api.url, '--channel', CH, '--yes', '--concurrency', '64', '-m', m, *ROW, '--db', 'r.db', *more, *([] if '--rate' in more else FAST)]
def look(db, sql, *a):
    try:
        c = sqlite3.connect(f'file:{db}?mode=ro', uri=True, timeout=1)
        try: return c.execute(sql, a).fetchone()
        finally: c.close()
    except sqlite3.Error: return None
def stands(db, batch):
    """Whether the batch's list is read, how many wait, how many are settled; also of a checkpoint of the version before."""
    new = look(db, "SELECT iif(b.state = 'reading', 'reading', 'ready'), t.queued + t.sending, t.sent + t.no_messenger FROM batch b JOIN tally t ON t.batch = b.id WHERE b.name = ?", batch)
    return new or look(db, "SELECT b.stage, (SELECT sum(n) FROM tally t WHERE t.batch=b.id AND what IN ('queued','sending')), (SELECT sum(n) FROM tally t WHERE t.batch=b.id AND what IN ('sent','no_messenger')) FROM batch b WHERE name=?", batch)
def waiting_events(db):
    return look(db, 'SELECT count(*), sum(applied_at IS NULL) FROM event') or look(db, 'SELECT count(*), sum(applied_at IS NULL) FROM webhook_event')
def sending(name, n, cmd, db, batch, half=False):
    """A send, with its phases: the list read, the messages sent, the end; killed at half if asked."""
    p = Proc(*cmd); marks = []; wal = 0; c = None
    while p.p.poll() is None:
        time.sleep(.1); wal = max(wal, size(db + '-wal'))
        got = stands(db, batch)
        if not got or not p.cpu(): continue
        if not marks and got[0] == 'ready': marks.append(('read', time.time() - p.t0, p.cpu(), p.written(), p.rss()))
        if len(marks) == 1 and not got[1]: marks.append(('sent', time.time() - p.t0, p.cpu(), p.written(), p.rss()))
        if half and marks and (got[2] or 0) >= half: marks.append(('killed', time.time() - p.t0, p.cpu(), p.written(), p.rss())); p.kill(); break
    p.wait()
    if p.rc not in (0, 3) and not half: say(name, 'exit', p.rc, p.text[-800:])
    out(name, n, p.c, p.wall, p.peak, dbsize(db), p.w, p.rc, note=f'wal_peak={wal >> 20}MiB'); marks.append(('end', p.wall, p.c, p.w, p.peak)); a = (0, 0, 0)
    for what, t, c, w, r in marks: out(f'  {name}: {what}', n, c - a[1], t - a[0], r, dbsize(db), w - a[2]); a = (t, c, w)
    return p
def events(n): r = subprocess.run([sys.executable, H + '/events.py', 'r.db', str(SERVE), SECRET, str(n)], capture_output=True, text=True); return r.stdout.strip() or r.stderr[-300:]
def serve():
    global SERVE
    SERVE = free(); p = Proc('serve', '--listen', f'127.0.0.1:{SERVE}', '--db', 'r.db'); reach(SERVE); time.sleep(.5); return p
def fresh(): 
    for f in os.listdir('.'):
        if not f.endswith('.csv') or '.results.' in f or '.rejects.' in f or f == 'x.csv':
            os.path.isfile(f) and os.unlink(f)
            os.path.isdir(f) and shutil.rmtree(f)
def one_size(n):
    want = lambda x: x in ONLY
    a = gen(f'a{n}.csv', n)
    if want('check'): run('check', n, 'check', a, *ROW, '-m', MSG, '--db', 'none.db', file=a)
    if n >= 10_000_000 and 'ONLY' not in os.environ: os.unlink(a); return
    small = gen('small.csv', 1000, 'list', 37_000_000); person = f'+420{number(1)}'
    if want('send'):
        # The rehearsal's own API has a quota of 100,000 an hour: above, the API is another process, and its CPU is not counted.
        api = Api() if n > 100_000 else None; what = 'send' if api else 'send --sandbox'; d = 'r.db' if api else 's.db'
        sb = ['send', a, *(real(api) if api else ['--sandbox', '--concurrency', '64', '-m', MSG, *ROW, '--db', 's.db']), '--batch', 'main']
        sending(what, n, sb, d, 'main')
        if want('again'): run('send again', n, *sb, db=d)
        if not api or want('kill'): fresh()
    else: api = None
    api = api or Api(); s = ['send', a, *real(api), '--batch', 'main']
    if want('kill'):
        sending('send, killed at half', n, s, 'r.db', 'main', half=int(n * .8 * .5))
        sending('resume', n, ['resume', 'main', '--base-url', api.url, '--channel', CH, '--yes', '--concurrency', '64', *FAST, '--db', 'r.db'], 'r.db', 'main')
    elif not os.path.exists('r.db'): sending('send', n, s, 'r.db', 'main')
    out('checkpoint', n, 0, 0, 0, dbsize('r.db'), note=f'{dbsize("r.db") / n:.0f} B a row')
    db = ['--db', 'r.db']
    if want('look'):
        run('status', n, 'status', *db, db='r.db'); run('status BATCH', n, 'status', 'main', *db, db='r.db'); run('status --json', n, 'status', '--json', *db, db='r.db'); run('status BATCH --json', n, 'status', 'main', '--json', *db, db='r.db')
        run('status --row', n, 'status', 'main', '--row', str(n // 2 + 3), *db, db='r.db'); run('export', n, 'export', 'main', '-o', 'x.csv', *db, file='x.csv')
    if want('people'):
        run('contacts list', n, 'contacts', 'list', *db, db='r.db'); run('contacts show', n, 'contacts', 'show', person, *db, db='r.db'); run('contacts export', n, 'contacts', 'export', '-o', 'x.csv', *db, file='x.csv')
    if want('guard'):
        run('check of 1,000, guard 0', n, 'check', small, *ROW, '-m', MSG, '--channel', CH, '--repeat-guard', '0', *db); run('check of 1,000, guard 12h', n, 'check', small, *ROW, '-m', MSG, '--channel', CH, *db)
        run('check of 1,000, not-within 30d', n, 'check', small, *ROW, '-m', MSG, '--channel', CH, '--not-within', '30d', *db)
        sending('send of 1,000', n, ['send', small, *real(api), '--batch', 'small'], 'r.db', 'small'); sending('send, same people, repeat guard', n, ['send', a, *real(api), '--batch', 'twice'], 'r.db', 'twice')
        sending('send, same people, not-within', n, ['send', a, *real(api, '--not-within', '30d', m='Other ' + MSG), '--batch', 'within'], 'r.db', 'within')
    if want('change'):
        if n <= UPDATE_MAX: sending('send --update', n, ['send', gen(f'e{n}.csv', n, 'edited'), *real(api), '--batch', 'main', '--update'], 'r.db', 'main')
        sending('send --add of a tenth', n, ['send', gen(f'd{n}.csv', n // 10, 'add'), *real(api), '--batch', 'main', '--add'], 'r.db', 'main')
    if want('serve'):
        k = min(n * 7 // 10, 100_000); before = dbsize('r.db'); p = serve(); c0 = p.cpu(); e = events(k); c1 = p.cpu(); time.sleep(1); r = p.rss(); p.kill(signal.SIGTERM); p.wait(); f = (e.split('\t') + ['0'] * 5)[:5]
        out(f'serve, {k} events', n, c1 - c0, float(f[1]), p.peak, dbsize('r.db'), p.w, p.rc, note=f'{f[2]}/s, not 200: {f[3]}, longest answer {f[4]} ms, {(dbsize("r.db") - before) / k:.0f} B an event')
    if want('beside'): beside(n)
    if want('wal'): wal(n)
    if want('suppress'):
        l = gen(f's{n}.csv', n, 'suppress'); run('check of 1,000', n, 'check', small, *ROW, '--repeat-guard', '0', *db); run('suppress import', n, 'suppress', 'import', l, *db, db='r.db'); run('suppress list', n, 'suppress', 'list', *db, db='r.db')
        run('check of 1,000, suppressed', n, 'check', small, *ROW, '--repeat-guard', '0', *db); run('check, suppressed', n, 'check', a, *ROW, '-m', MSG, *db)
        sending('send, half suppressed, all known', n, ['send', a, *real(api, m='Third ' + MSG), '--batch', 'third'], 'r.db', 'third')
    if want('resolve'):
        bad = Api('--fault', 'close-after-accept:100%'); u = gen('unknown.csv', 1000, 'list', 36_000_000)
        run('send, 1,000 unknown', n, 'send', u, *real(bad, '--undecided-in-a-row', '1000000', '--no-canary', '--batch', 'unknown'), db='r.db', ok=(3,)); bad.close()
        run('resolve', n, 'resolve', 'unknown', *db, db='r.db'); run('resolve --json', n, 'resolve', 'unknown', '--json', *db, db='r.db')
        run('resolve --from-api', n, 'resolve', 'unknown', '--from-api', '--base-url', api.url, '--channel', CH, *db, db='r.db'); run('resolve --assume-sent', n, 'resolve', 'unknown', '--assume-sent', '--all', *db, db='r.db')
    api.close()
    if want('stalls'): stalls(n)
    if want('doctor'): api = Api(); run('doctor', n, 'doctor', '--base-url', api.url, '--channel', CH, *db, db='r.db', ok=range(10)); api.close()
    if want('forget'):
        d = dbsize('r.db'); run('forget', n, 'forget', person, '--yes', *db, db='r.db', note=f'before {d}')
        t = time.time(); r = subprocess.run(['/usr/bin/time', '-f', '%U %S %e %M %O', 'sqlite3', 'r.db', 'VACUUM'], capture_output=True, text=True); f = r.stderr.split('\n')[-2].split(); out('sqlite3 VACUUM, to compare', n, float(f[0]) + float(f[1]), float(f[2]), int(f[3]) / 1024, dbsize('r.db'), int(f[4]) * 512 / 1e6, r.returncode)
    if not KEEP: fresh()
    for f in (f'e{n}.csv', f'd{n}.csv', f's{n}.csv', a):
        os.path.exists(f) and os.unlink(f)
def number(i):
    x = (i * 27_644_437 + 12_345) % 40_000_000; return '7' + '2379'[x // 10_000_000] + '%07d' % (x % 10_000_000)
def beside(n):
    """A send of 100,000 at full speed: alone, beside an idle serve, beside one that gets an event for each message."""
    k = min(n, 100_000)
    for i, what in [(0, 'alone'), (1, 'beside an idle serve'), (3, 'beside a serve with events of an earlier batch'), (2, 'with its own events')]:
        l = gen(f'b{i}.csv', k, 'list', 26_000_000 + i * 200_000); sv = serve() if i else None; ev = None
        if i == 3: ev = subprocess.Popen([sys.executable, H + '/events.py', 'r.db', str(SERVE), SECRET, str(min(n * 7 // 10, 100_000))], stdout=subprocess.PIPE, text=True); time.sleep(2.5)
        api = Api(*(['--webhook-url', f'http://127.0.0.1:{SERVE}/webhooks/amio', '--webhook-secret', SECRET, '--webhook', 'delivered:100%'] if i == 2 else []))
        sending(f'send of {k} {what}', n, ['send', l, *real(api), '--batch', f'beside{i}'], 'r.db', f'beside{i}')
        if sv:
            e = ev.communicate()[0].strip().replace('\t', ' ') if ev else ''; t = time.time()
            while i == 2 and time.time() - t < 60 and ((waiting_events('r.db') or (0, 0))[1] or 0): time.sleep(.3)
            w = time.time() - t; c = sv.cpu(); sv.kill(signal.SIGTERM); sv.wait(); left = waiting_events('r.db')
            out(f'  serve meanwhile ({what})', n, c, sv.wall, sv.peak, dbsize('r.db'), sv.w, sv.rc, note=f'events {left}; applied {w:.1f} s after the end {e}')
        api.close(); os.unlink(l)
def wal(n):
    """A send at full speed while somebody reads: how far the log grows, and whether it shrinks again."""
    k = min(n, 200_000); l = gen('w.csv', k, 'list', 27_000_000); api = Api(); c = sqlite3.connect('file:r.db?mode=ro', uri=True, isolation_level=None, check_same_thread=False); c.execute('BEGIN'); c.execute('SELECT count(*) FROM batch').fetchone()
    p = Proc('send', l, *real(api), '--batch', 'wal'); top = 0; after = None; t = None
    while p.p.poll() is None:
        time.sleep(.1); top = max(top, size('r.db-wal')); g = stands('r.db', 'wal')
        if c and g and (g[2] or 0) > k // 2: at = size('r.db-wal'); c.execute('COMMIT'); c.close(); c = None; t = time.time()
        if t and after is None and time.time() - t > 1.5: after = size('r.db-wal')
    p.wait(); c and c.close(); out(f'send of {k} with a reader until half', n, p.c, p.wall, p.peak, dbsize('r.db'), p.w, p.rc, note=f'log: peak {top >> 20} MiB, at half {at >> 20 if t else "?"} MiB, 1.5 s after the reader left {(after or 0) >> 20} MiB, at the end {size("r.db-wal") >> 20} MiB'); api.close(); os.unlink(l)
def stalls(n):
    """A send of 1,000 a second; each other command once beside it."""
    api = GapApi(); l = gen('stall.csv', 300_000, 'list', 28_000_000); db = ['--db', 'r.db']; a = gen(f'a{n}.csv', n); small = gen('small.csv', 1000, 'list', 37_000_000)
    more = gen('more.csv', 20_000, 'list', 29_000_000); ed = gen('more2.csv', 20_000, 'edited', 29_000_000); sup = gen('sup.csv', 100_000, 'suppress', 31_000_000); ad = gen(f'd{n}.csv', max(n // 10, 1000), 'add')
    cmd = ['send', l, *real(api, '--rate', '1000/s', '--repeat-guard', '0'), '--batch', 'stall']; died = []
    def start():
        p = Proc(*cmd)
        for _ in range(600):
            g = stands('r.db', 'stall')
            if (g and (g[2] or 0) > start.n) or p.p.poll() is not None: break
            time.sleep(.2)
        time.sleep(1.5); return p
    start.n = 0; p = start(); slow = ['--rate', '1/s', '--for', '1s']; person = f'+420{number(3)}'
    others = [('nothing (5 s)', None), ('status --watch (5 s)', ['status', 'stall', '--watch']), ('status BATCH', ['status', 'main']), ('status --row', ['status', 'main', '--row', str(n // 2)]), ('status --row of the running batch', ['status', 'stall', '--row', '5000']),
      ('export', ['export', 'main', '-o', 'x.csv']), ('export of the running batch', ['export', 'stall', '-o', 'x.csv']), ('check of 1,000', ['check', small, *ROW, '-m', MSG, '--channel', CH]), ('contacts show', ['contacts', 'show', person]), ('contacts export', ['contacts', 'export', '-o', 'x.csv']),
      ('suppress add', ['suppress', 'add', '+420777000001']), ('suppress import of 100,000', ['suppress', 'import', sup]), ('resolve', ['resolve', 'main']), ('serve, events', 'serve'),
      ('send of another 20,000 (1 s)', ['send', more, *real(api, *slow), '--batch', 'more']), ('resume of another (1 s)', ['resume', 'more', '--base-url', api.url, '--channel', CH, '--yes', *slow]),
      ('send --add of a tenth (1 s)', ['send', ad, *real(api, *slow, '--repeat-guard', '0'), '--batch', 'main', '--add']), ('send --update of another 20,000 (1 s)', ['send', ed, *real(api, *slow), '--batch', 'more', '--update']), ('doctor', ['doctor', '--base-url', api.url, '--channel', CH]), ('forget', ['forget', person, '--yes'])]
    seen = []
    for what, c in others:
        if p.p.poll() is not None:
            p.wait(); say('the send ended with', p.rc, p.text[-400:]); died.append((seen[-1][0], p.rc, p.text.strip()[-200:].replace('\n', ' | '))); g = stands('r.db', 'stall'); start.n = g[2] or 0 if g else 0; p = start()
        t0 = time.time(); r = None; note = ''
        if c is None: time.sleep(5)
        elif c == 'serve': r = serve(); e = events(min(n // 2, 20_000)); note = 'events: ' + e.replace('\t', ' '); time.sleep(3); r.kill(signal.SIGTERM); r.wait()
        else:
            r = Proc(*c, *([] if '--db' in c else db))
            if '--watch' in c: time.sleep(5); r.kill(signal.SIGTERM)
            r.wait()
            if r.rc not in (0, 3, 4) and '--watch' not in c: say(what, 'exit', r.rc, r.text[-300:]); note = f'exit {r.rc}: ' + r.text.strip()[-120:].replace('\n', ' | ')
        seen.append((what, t0, time.time(), r, size('r.db-wal'), note)); time.sleep(1.5)
    time.sleep(2)
    if p.p.poll() is not None: died.append((seen[-1][0], p.wait().rc, p.text.strip()[-200:].replace('\n', ' | ')))
    p.kill(signal.SIGTERM); p.wait() if p.p.poll() is None or not hasattr(p, 'rc') else None; gaps = api.close()
    for what, t0, t1, r, w, note in seen:
        g = max([d for b, d in gaps if b + d / 1000 > t0 and b < t1 + .5], default=0); dead = [d for d in died if d[0] == what]
        out(f'stall: {what}', n, r.c if r else 0, t1 - t0, r.peak if r else 0, dbsize('r.db'), r.w if r else 0, r.rc if r else 0, g if not dead else f'{g}+', f'log {w >> 20} MiB {note}' + (f'; THE SEND ENDED: exit {dead[0][1]} {dead[0][2]}' if dead else ''))
    out('stall: the send itself', n, p.c, p.wall, p.peak, dbsize('r.db'), p.w, p.rc, note=f'requests {api.last[1]}')
    for f in ('stall.csv', 'more.csv', 'more2.csv', 'sup.csv'): os.unlink(f)
def batches(k=1000):
    for i in range(k):
        l = gen('many.csv', 100, 'list', i * 100); p = Proc('send', l, '--sandbox', '--concurrency', '64', '-m', MSG, *ROW, '--db', 'm.db', '--batch', f'b{i:04d}', '-q', '--out', 'm.results.csv').wait(); os.unlink(l)
        if i < 10 or i % 100 >= 90: batches.acc.append((p.c, p.wall, p.peak, p.w))
        if i == 9 or i % 100 == 99 and i // 100 in (0, 1, 4, 9):
            x = [sum(v) / len(v) for v in zip(*batches.acc[-10:])]; out(f'send of the batch of 100 before number {i + 1}', i + 1, x[0], x[1], x[2], dbsize('m.db'), x[3])
    run('status, many batches', k, 'status', '--db', 'm.db', db='m.db'); run('status --json, many batches', k, 'status', '--json', '--db', 'm.db', db='m.db')
batches.acc = []
def updates():
    for k in (2_500, 5_000, 10_000, 20_000, 40_000):
        a = gen('ua.csv', k); e = gen('ue.csv', k, 'edited'); api = Api(); Proc('send', a, *real(api), '--batch', 'main').wait(); run('send --update (alone)', k, 'send', e, *real(api), '--batch', 'main', '--update', db='r.db'); api.close(); fresh(); os.unlink(a); os.unlink(e)
try:
    print('command\trows\tcpu_s\twall_s\tpeak_mb\tbytes\twritten_mb\texit\tgap_ms\tnote', flush=True); say('in', W)
    for n in [n for n in SIZES if n]: one_size(n); say('done', n, time.strftime('%H:%M:%S'))
    if 'updates' in ONLY: updates()
    if 'batches' in ONLY: batches(int(os.environ.get('BATCHES', '1000')))
finally:
    os.chdir('/'); KEEP or shutil.rmtree(W, ignore_errors=True)
