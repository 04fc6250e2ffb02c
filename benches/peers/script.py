#!/usr/bin/env python3
"""The script that people write in place of this program: csv, phonenumbers, aiohttp, sqlite3.

usage: script.py LIST URL CHANNEL DATABASE CONNECTIONS [durable]

It checks numbers, leaves out repeats, notes in SQLite who got the message, obeys 429, and goes on where it was when it
is started again. "durable" commits each message with an fsync; otherwise SQLite writes when it likes, every 500 messages.
"""
import asyncio, csv, os, sqlite3, sys, time
import aiohttp, phonenumbers

path, url, channel, database, connections = sys.argv[1:6]
durable = "durable" in sys.argv[6:]


def people():
    seen = set()
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            try:
                number = phonenumbers.parse(row["phone"], "CZ")
            except phonenumbers.NumberParseException:
                continue
            if not phonenumbers.is_valid_number(number):
                continue
            number = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            if number not in seen:
                seen.add(number)
                yield number, row["first_name"]


async def main():
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = " + ("FULL" if durable else "OFF"))
    db.execute("CREATE TABLE IF NOT EXISTS sent (phone TEXT PRIMARY KEY, status INTEGER)")
    done = {phone for (phone,) in db.execute("SELECT phone FROM sent")}
    queue = iter([person for person in people() if person[0] not in done])
    uncommitted = 0

    def note(phone, status):
        nonlocal uncommitted
        if not durable and uncommitted == 0:
            db.execute("BEGIN")
        db.execute("INSERT OR REPLACE INTO sent VALUES (?, ?)", (phone, status))
        uncommitted += 1
        if not durable and uncommitted == 500:
            db.execute("COMMIT")
            uncommitted = 0

    async def worker(session):
        for phone, name in queue:
            body = {"channel": {"id": channel}, "contact": {"phone_number": phone, "first_name": name},
                    "content": {"type": "text", "payload": f"Hello {name}"}}
            while True:
                async with session.post(url + "/messages", json=body) as answer:
                    await answer.read()
                    if answer.status != 429:
                        break
                    reset = float(answer.headers.get("X-RateLimit-Reset", time.time() + 1))
                await asyncio.sleep(max(reset - time.time(), 0.1))
            note(phone, answer.status)

    headers = {"Authorization": "Bearer " + os.environ["AMIO_TOKEN"]}
    connector = aiohttp.TCPConnector(limit=int(connections))
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        await asyncio.gather(*(worker(session) for _ in range(int(connections))))
    if not durable and uncommitted:
        db.execute("COMMIT")


asyncio.run(main())
