-- Version 2: what is under way stands in a table of its own, so that a message costs the checkpoint
-- one update and two insertions at the end of tables, and no index in between.

-- Rows from `first` to `last` that were claimed together: each of them that is still `queued` is
-- `sending`. A range goes when all its rows are settled; rows that come back to the queue are
-- taken out of it. Small: no more rows than requests under way.
CREATE TABLE intent (
    first      INTEGER PRIMARY KEY,
    last       INTEGER NOT NULL,
    token      INTEGER NOT NULL,              -- fingerprint: whose quota it uses
    started_at INTEGER NOT NULL
) STRICT;
INSERT INTO intent (first, last, token, started_at)
    SELECT a.recipient, a.recipient, coalesce(max(a.token), 0), max(a.started_at)
    FROM attempt a JOIN recipient r ON r.id = a.recipient
    WHERE a.finished_at IS NULL AND r.state = 'sending' GROUP BY a.recipient;
-- From here on no row is stored as `sending`, and an attempt is written when it has ended.
UPDATE recipient SET state = 'queued'
    WHERE state = 'sending' AND id IN (SELECT first FROM intent);
DELETE FROM attempt WHERE finished_at IS NULL;

-- Work goes in row order, and what is queued is found by reading on from there.
DROP INDEX recipient_outstanding;

-- How many requests were ever claimed with a token: what it grew by beyond our own is what other
-- processes used.
ALTER TABLE quota ADD COLUMN claimed INTEGER NOT NULL DEFAULT 0;

-- Ranges of recipients with messages that are not yet entered into `contact`.
ALTER TABLE contact_due RENAME TO contact_due_before;
CREATE TABLE contact_due (
    first INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL
) STRICT;
INSERT INTO contact_due (first, last) SELECT recipient, recipient FROM contact_due_before;
DROP TABLE contact_due_before;
