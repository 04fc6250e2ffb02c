-- Version 4: people. Whatever concerns a person (opt-out, messages, contacts) is found by the person's id,
-- and each recipient holds it. A request stands in one row of `attempt`, from the commit of its intent to
-- its proof. No table is WITHOUT ROWID and no statement changes a rowid. Words are not checked here but by
-- the program, so that a later version can add one without writing ten million rows anew.
--
-- `upgrade.rs` fills what needs the program: the random ids, the keyed hashes, the content keys.

DROP VIEW message_to_enter;
ALTER TABLE contact RENAME TO contact_before;
DROP INDEX contact_by_id;

-- One row: which checkpoint this is, and the key of its hashes.
CREATE TABLE checkpoint (
    id         INTEGER PRIMARY KEY,           -- 1
    uid        BLOB    NOT NULL,              -- random: named in the metadata of every message
    hash_key   BLOB    NOT NULL,              -- random: keeps hashes of numbers from being undone
    created_at INTEGER NOT NULL
) STRICT;

-- What concerns this copy of the checkpoint alone.
CREATE TABLE node (
    key   TEXT NOT NULL UNIQUE,
    value ANY
) STRICT;

CREATE TABLE channel (
    id     INTEGER PRIMARY KEY,
    api_id TEXT    NOT NULL UNIQUE,           -- the API's id of it
    type   TEXT                               -- learned from the first 201
) STRICT;

-- One row for a phone number, or for a person who was erased. Ids follow the order of the first list that
-- had them, so that the people of a list stand on neighbouring pages.
CREATE TABLE person (
    id                INTEGER PRIMARY KEY,
    number            INTEGER,                -- E.164; null once the person was erased
    number_hash       BLOB,                   -- keyed; only of an erased person
    suppressed_at     INTEGER,                -- null: may be messaged
    suppressed_reason TEXT,
    suppressed_source TEXT,
    last_inbound_at   INTEGER                 -- when the person last wrote or pressed a button
) STRICT;
CREATE UNIQUE INDEX person_by_hash ON person (number_hash) WHERE number_hash IS NOT NULL;
CREATE INDEX person_suppressed ON person (number) WHERE suppressed_at IS NOT NULL;

-- The index of people by number. A table, so that a list can enter its numbers sorted, after its rows.
CREATE TABLE person_by_number (
    number INTEGER PRIMARY KEY,
    person INTEGER NOT NULL
) STRICT;

-- A person on a channel, or a contact whose number is not known yet.
CREATE TABLE contact (
    id           INTEGER PRIMARY KEY,
    channel      INTEGER NOT NULL,
    api_id       ANY,                         -- the API's id; an integer where it is decimal
    api_id_hash  BLOB,                        -- keyed; only of an erased person
    person       INTEGER,
    former       INTEGER NOT NULL DEFAULT 0,  -- 1: heard, but never addressed again
    opted_in_at  INTEGER,
    opted_out_at INTEGER
) STRICT;
-- Several rows where several numbers had the same contact: all but the first are former.
CREATE INDEX contact_by_api_id ON contact (api_id, channel) WHERE api_id IS NOT NULL;
CREATE UNIQUE INDEX contact_by_hash ON contact (api_id_hash) WHERE api_id_hash IS NOT NULL;
CREATE INDEX contact_by_person ON contact (person) WHERE person IS NOT NULL;

-- Every time until which a contact is known to have read everything. A message was read at the first of
-- them that covers it, whichever of the two came to us first.
ALTER TABLE contact_read RENAME TO contact_read_before;
CREATE TABLE contact_read (
    id      INTEGER PRIMARY KEY,
    contact INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    UNIQUE (contact, until)
) STRICT;

ALTER TABLE batch RENAME TO batch_before;
CREATE TABLE batch (
    id            INTEGER PRIMARY KEY,
    uid           BLOB    NOT NULL UNIQUE,    -- random: named in the metadata of its messages
    name          TEXT    UNIQUE,             -- null while its list is on its way into another batch
    staged_for    INTEGER,                    -- that other batch
    state         TEXT    NOT NULL,           -- see `BatchState`
    state_why     TEXT,
    state_by      TEXT,
    state_since   INTEGER NOT NULL,
    state_until   INTEGER,
    digest        BLOB    NOT NULL,           -- over files, mapping, content and channel
    definition    TEXT    NOT NULL,           -- JSON: what the digest covers, by name
    headers       TEXT    NOT NULL,           -- JSON array of column names
    files         TEXT    NOT NULL,           -- JSON array of names
    first_file    INTEGER NOT NULL DEFAULT 0, -- files before this one belong to lists that were replaced
    channel       INTEGER NOT NULL REFERENCES channel (id),
    sandbox       INTEGER NOT NULL,
    policy        TEXT    NOT NULL DEFAULT '{}', -- JSON: what was decided for the batch and stays
    pilot         TEXT,
    approval      TEXT,
    token         INTEGER,                    -- fingerprint of the token that sent last
    change        TEXT,                       -- JSON: a change of its list that is being carried out
    created_at    INTEGER NOT NULL,
    last_seq      INTEGER NOT NULL DEFAULT 0,
    started_at    INTEGER,                    -- first request
    finished_at   INTEGER,                    -- end of the last run
    exit_reason   TEXT,                       -- of the last run
    halted_text   TEXT                        -- refusals with this text stopped the last run
) STRICT;

-- How many recipients of a batch are in each state, and its requests: changed in the same transactions as
-- the rows, so that `status` needs no scan.
ALTER TABLE tally RENAME TO tally_before;
CREATE TABLE tally (
    batch        INTEGER PRIMARY KEY REFERENCES batch (id) ON DELETE CASCADE,
    sent         INTEGER NOT NULL DEFAULT 0,
    no_messenger INTEGER NOT NULL DEFAULT 0,
    error        INTEGER NOT NULL DEFAULT 0,
    unknown      INTEGER NOT NULL DEFAULT 0,
    invalid      INTEGER NOT NULL DEFAULT 0,
    duplicate    INTEGER NOT NULL DEFAULT 0,
    suppressed   INTEGER NOT NULL DEFAULT 0,
    queued       INTEGER NOT NULL DEFAULT 0,
    sending      INTEGER NOT NULL DEFAULT 0,
    requests     INTEGER NOT NULL DEFAULT 0,
    throttled    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The part of a recipient that changes while sending: small rows, many to a page. The id is
-- batch << 32 | sequence number: ids ascend in row order, and work goes in that order.
ALTER TABLE recipient RENAME TO recipient_before;
CREATE TABLE recipient (
    id                INTEGER PRIMARY KEY,
    person            INTEGER,                -- null if the row has no number
    state             TEXT    NOT NULL,
    attempts          INTEGER NOT NULL DEFAULT 0,
    not_before        INTEGER NOT NULL DEFAULT 0, -- queued: claimed from then on; 0: never tried yet
    step              INTEGER NOT NULL DEFAULT 0, -- which of the batch's channels: 0 is the first
    reason_code       TEXT,
    reason            TEXT,
    refusal           INTEGER,                -- the text that refused it
    held              INTEGER,                -- queued, and not claimed before this refusal has a meaning
    maybe_accepted_at INTEGER,                -- a request that may have been accepted left then
    mended_by         INTEGER,                -- the row that took its place
    finished_at       INTEGER                 -- null where a request settled it: its own time tells
) STRICT;

-- A request for a recipient. Written as the intent before the request leaves, closed by its answer, and
-- proven by an event, by the API's list of messages or by a decision where the answer was lost.
ALTER TABLE attempt RENAME TO attempt_before;
CREATE TABLE attempt (
    id           INTEGER PRIMARY KEY,         -- ascends: no row is ever deleted
    recipient    INTEGER NOT NULL,
    person       INTEGER,
    channel      INTEGER NOT NULL,
    kind         TEXT    NOT NULL,            -- request
    content_key  INTEGER,                     -- keyed, of channel and content: the repeat guard
    key_form     INTEGER,                     -- how the content was folded for its key
    token        INTEGER,                     -- fingerprint: whose quota it used
    started_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    outcome      TEXT,                        -- null while the request may be on its way
    http_status  INTEGER,
    text         TEXT,
    message_id   ANY,                         -- the API's id; an integer where it is decimal
    contact      INTEGER,
    delivered_at INTEGER,
    read_at      INTEGER,
    proof        TEXT,                        -- what became of it, where the answer does not tell
    proof_at     INTEGER,
    proof_by     TEXT,
    proof_text   TEXT
) STRICT;

-- What the texts of refusals mean, as far as a person or the API said so.
CREATE TABLE refusal (
    id         INTEGER PRIMARY KEY,
    text       TEXT    NOT NULL UNIQUE,       -- digits replaced
    meaning    TEXT,
    source     TEXT    NOT NULL,
    decided_at INTEGER,
    seen       INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What people decided. Names no person.
CREATE TABLE decision (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    batch  INTEGER,
    what   TEXT    NOT NULL,
    detail TEXT
) STRICT;

-- Files that were written, as they were left.
CREATE TABLE written_file (
    id         INTEGER PRIMARY KEY,
    path       TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    batch      INTEGER,
    size       INTEGER NOT NULL,
    digest     BLOB    NOT NULL,
    written_at INTEGER NOT NULL,
    up_to_date INTEGER NOT NULL DEFAULT 0     -- 1: nothing that it tells of changed since
) STRICT;
CREATE INDEX written_file_up_to_date ON written_file (id) WHERE up_to_date = 1;

ALTER TABLE recipient_input ADD COLUMN content_key INTEGER;

-- Webhook events: those that wait for what they speak of, and the keys of those that were applied.
CREATE TABLE event (
    id          INTEGER PRIMARY KEY,
    key         BLOB    NOT NULL UNIQUE,      -- keyed, of the content that tells events apart
    kind        TEXT    NOT NULL,
    body        TEXT,                         -- only of an event that was not understood
    news        TEXT,                         -- JSON of what it means, while it waits
    received_at INTEGER NOT NULL,
    applied_at  INTEGER                       -- null while it waits
) STRICT;
