#!/usr/bin/env python3
"""Signed messages_delivered events to `serve`, as fast as it takes them. usage: events.py DB PORT SECRET EVENTS [CONNECTIONS]
Prints: events, seconds, events/s, answers that were not 200, the longest answer in ms."""
import asyncio, hashlib, hmac, json, sqlite3, sys, time
db, port, secret, n = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4]); conns = int(sys.argv[5]) if len(sys.argv) > 5 else 32
c = sqlite3.connect(f'file:{db}?mode=ro', uri=True)
NEW = """SELECT a.message_id, k.api_id, p.number, c.api_id FROM attempt a JOIN contact k ON k.id = a.contact JOIN person p ON p.id = a.person
  JOIN channel c ON c.id = a.channel WHERE a.outcome = 'sent' AND p.number IS NOT NULL ORDER BY a.id DESC LIMIT ?"""
OLD = """SELECT coalesce(m.message_id, a.message_id), coalesce(m.contact_id, a.contact_id), a.phone, b.channel FROM attempt a LEFT JOIN message m ON m.recipient = a.recipient
  JOIN batch b ON b.id = a.recipient >> 32 WHERE a.outcome = 'sent' AND a.phone IS NOT NULL ORDER BY a.id DESC LIMIT ?"""
rows = c.execute(NEW if c.execute('PRAGMA user_version').fetchone()[0] > 3 else OLD, (n,)).fetchall(); c.close()
at = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()); q = []
for m, who, phone, ch in rows:
    b = json.dumps({'event': 'messages_delivered', 'timestamp': at, 'data': {'channel': {'id': ch, 'type': 'facebook_messenger'}, 'contact': {'id': str(who), 'phone_number': str(phone)}, 'messages': [{'id': str(m)}], 'delivered_timestamp': at}}).encode()
    q.append(b'POST /webhooks/amio HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Hub-Signature: sha1=' + hmac.new(secret, b, hashlib.sha1).hexdigest().encode() + b'\r\nContent-Length: %d\r\n\r\n' % len(b) + b)
bad = 0; worst = 0; done = 0
class P(asyncio.Protocol):
    def __init__(s, left): s.left = left
    def connection_made(s, t): s.t = t; s.next()
    def next(s):
        global done
        if not q: s.t.close(); s.left(); return
        s.at = time.monotonic(); s.t.write(q.pop())
    def data_received(s, d):
        global bad, worst, done
        worst = max(worst, time.monotonic() - s.at); done += 1
        if not d.startswith(b'HTTP/1.1 200'): bad += 1
        s.next()
    def connection_lost(s, e):
        if e: s.left()
async def main():
    l = asyncio.get_running_loop(); open_ = conns; over = asyncio.Event()
    def left():
        nonlocal open_
        open_ -= 1
        if open_ <= 0: over.set()
    t = time.monotonic()
    for _ in range(conns): await l.create_connection(lambda: P(left), '127.0.0.1', port)
    await over.wait(); s = time.monotonic() - t
    print(f'{done}\t{s:.2f}\t{done / s:.0f}\t{bad}\t{worst * 1000:.0f}')
asyncio.run(main())
