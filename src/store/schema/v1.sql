-- Version 1. Times are UTC milliseconds since 1970. Words are checked, so that a bug cannot store
-- a state that does not exist. The checks of long lists are written with OR: an IN of more than two
-- words would be built anew, as a table of its own, by every statement that writes such a row.
--
-- A recipient's id is batch << 32 | sequence number: ids ascend in row order, work goes in id
-- order, and so every update of the hot path touches neighbouring pages.

CREATE TABLE batch (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    stage         TEXT    NOT NULL CHECK (stage IN ('reading', 'ready')),
    digest        BLOB    NOT NULL,           -- over files, mapping, content and channel
    definition    TEXT    NOT NULL,           -- JSON: what the digest covers, by name
    headers       TEXT    NOT NULL,           -- JSON array of column names
    files         TEXT    NOT NULL,           -- JSON array of names
    channel       TEXT    NOT NULL,
    channel_type  TEXT,                       -- learned from the first 201
    sandbox       INTEGER NOT NULL CHECK (sandbox IN (0, 1)),
    created_at    INTEGER NOT NULL,
    last_seq      INTEGER NOT NULL DEFAULT 0,
    started_at    INTEGER,                    -- first request
    finished_at   INTEGER,                    -- end of the last run
    exit_reason   TEXT,                       -- of the last run
    halted_text   TEXT                        -- refusals with this text stopped the last run
) STRICT;

-- How many recipients of a batch are in each state, and its request counts: kept in the same
-- transactions as the rows, so that `status` needs no scan.
CREATE TABLE tally (
    batch INTEGER NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
    what  TEXT    NOT NULL CHECK (what = 'sent' OR what = 'no_messenger' OR what = 'error' OR
                        what = 'unknown' OR what = 'invalid' OR
                        what = 'duplicate' OR what = 'suppressed' OR
                        what = 'queued' OR what = 'sending' OR
                        what = 'requests' OR what = 'throttled'),
    n     INTEGER NOT NULL,
    PRIMARY KEY (batch, what)
) STRICT, WITHOUT ROWID;

-- The part of a recipient that changes while sending: small rows, many to a page.
CREATE TABLE recipient (
    id          INTEGER PRIMARY KEY,
    state       TEXT    NOT NULL CHECK (state = 'sent' OR state = 'no_messenger' OR state = 'error' OR
                        state = 'unknown' OR state = 'invalid' OR
                        state = 'duplicate' OR state = 'suppressed' OR
                        state = 'queued' OR state = 'sending'),
    phone       INTEGER,                      -- E.164; null if the row has none
    attempts    INTEGER NOT NULL DEFAULT 0,
    reason_code TEXT,
    reason      TEXT,
    finished_at INTEGER
) STRICT;
-- Written with OR: from that SQLite concludes that `state = 'queued'` is covered, from IN it does not.
CREATE INDEX recipient_outstanding ON recipient (state, id)
    WHERE state = 'queued' OR state = 'sending';
CREATE INDEX recipient_unknown ON recipient (phone) WHERE state = 'unknown';

-- The part that never changes after intake.
CREATE TABLE recipient_input (
    id         INTEGER PRIMARY KEY,
    file       INTEGER NOT NULL,              -- index into batch.files
    row        INTEGER NOT NULL,              -- as a spreadsheet numbers it
    fields     TEXT    NOT NULL,              -- JSON array, in the order of batch.headers
    suggestion TEXT,
    first_name TEXT,
    last_name  TEXT,
    contact_id TEXT,
    content    TEXT,                          -- JSON, as it is sent
    metadata   TEXT                           -- JSON, without our own keys
) STRICT;

-- Every request for a recipient, and every decision about one by a person. Append-only but for
-- the end of a request.
CREATE TABLE attempt (
    id          INTEGER PRIMARY KEY,          -- ascends: no row is ever deleted
    recipient   INTEGER NOT NULL,
    phone       INTEGER,
    content_key INTEGER,                      -- of channel, number and content: the repeat guard
    token       INTEGER,                      -- fingerprint: whose quota it used
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT    CHECK (outcome = 'sent' OR outcome = 'no_messenger' OR outcome = 'rejected' OR
                        outcome = 'throttled' OR outcome = 'not_sent' OR
                        outcome = 'undecided' OR outcome = 'fatal' OR
                        outcome = 'interrupted' OR outcome = 'evidence' OR
                        outcome = 'assumed_sent' OR outcome = 'resend'),
    http_status INTEGER,
    text        TEXT,
    actor       TEXT                          -- the user who decided, or the event that proved
) STRICT;
-- Few: the attempts whose outcome an event may still prove.
CREATE INDEX attempt_undecided ON attempt (recipient) WHERE outcome IN ('undecided', 'interrupted');

-- What is known of a message that was accepted.
CREATE TABLE message (
    recipient    INTEGER PRIMARY KEY,
    message_id   TEXT,
    contact_id   TEXT,
    sent_at      INTEGER NOT NULL,
    delivered_at INTEGER,
    read_at      INTEGER,
    opted_in_at  INTEGER
) STRICT;
-- Ids ascend with time, so that this index grows at its end.
CREATE INDEX message_by_id ON message (message_id) WHERE message_id IS NOT NULL;

-- Messages not yet entered into `contact`: that table is ordered by number, and is brought up to
-- date many rows at a time, off the hot path.
CREATE TABLE contact_due (
    recipient INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE contact (
    channel          TEXT    NOT NULL,
    phone            INTEGER NOT NULL,
    contact_id       TEXT,
    first_name       TEXT,
    last_name        TEXT,
    first_message_at INTEGER,
    last_message_at  INTEGER,
    last_recipient   INTEGER,
    opted_in_at      INTEGER,
    opted_out_at     INTEGER,
    PRIMARY KEY (channel, phone)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_by_id ON contact (contact_id) WHERE contact_id IS NOT NULL;

-- The messages to a number; filled together with `contact`.
CREATE TABLE contact_message (
    phone     INTEGER NOT NULL,
    recipient INTEGER NOT NULL,
    PRIMARY KEY (phone, recipient)
) STRICT, WITHOUT ROWID;

-- Every time until which a contact is known to have read everything. A message was read at the first
-- of them that covers it, whichever of the two came to us first.
CREATE TABLE contact_read (
    channel    TEXT    NOT NULL,
    contact_id TEXT    NOT NULL,
    until      INTEGER NOT NULL,
    PRIMARY KEY (channel, contact_id, until)
) STRICT, WITHOUT ROWID;

-- Whom never to message. After `forget`, the number is gone and a keyed hash stays.
CREATE TABLE suppression (
    phone    INTEGER PRIMARY KEY,
    reason   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;
CREATE TABLE suppression_hash (
    hash     BLOB    PRIMARY KEY,
    added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the API last told about the quota, by token fingerprint.
CREATE TABLE quota (
    token      INTEGER PRIMARY KEY,
    state      TEXT    NOT NULL,              -- JSON
    updated_at INTEGER NOT NULL
) STRICT;

-- Texts of refusals that are known to mean "no Messenger" (digits replaced).
CREATE TABLE known_refusal (
    text     TEXT    PRIMARY KEY,
    added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_event (
    id          INTEGER PRIMARY KEY,
    key         BLOB    NOT NULL UNIQUE,      -- of the content that tells events apart
    kind        TEXT    NOT NULL,
    channel     TEXT,
    contact_id  TEXT,
    phone       INTEGER,
    message_id  TEXT,
    body        TEXT    NOT NULL,             -- JSON of the event; empty if another row has it
    news        TEXT,                         -- JSON of what it means, while it waits
    received_at INTEGER NOT NULL,
    applied_at  INTEGER                       -- null while it waits for what it speaks of
) STRICT;
CREATE INDEX webhook_event_waiting ON webhook_event (id) WHERE applied_at IS NULL;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
