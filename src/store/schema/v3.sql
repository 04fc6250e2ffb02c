-- Version 3: while a batch is sent, nothing is written but in row order or at the end of a table, and
-- nothing twice.

-- An accepted message stands in the attempt that sent it, until it is entered into `message`,
-- `message_by_id` and `contact`, many at a time, off the hot path.
ALTER TABLE attempt ADD COLUMN message_id TEXT;
ALTER TABLE attempt ADD COLUMN contact_id TEXT;

-- One row: the messages of the attempts up to this one are entered.
CREATE TABLE entered (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    attempt INTEGER NOT NULL
) STRICT;
INSERT INTO entered (id, attempt) SELECT 1, coalesce(max(id), 0) FROM attempt;

-- The accepted messages that wait to be entered, one for each recipient. With the plus SQLite reads the
-- last attempts only, instead of making an index over all of them.
CREATE VIEW message_to_enter (recipient, attempt, message_id, contact_id, sent_at) AS
    SELECT a.recipient, max(a.id), a.message_id, a.contact_id, a.finished_at
    FROM entered e CROSS JOIN attempt a ON a.id > e.attempt
    WHERE +a.outcome = 'sent' GROUP BY a.recipient;

-- Nothing is known of the order of message ids: each may need a page of its own.
DROP INDEX message_by_id;
CREATE TABLE message_by_id (
    message_id TEXT    NOT NULL,
    recipient  INTEGER NOT NULL,
    PRIMARY KEY (message_id, recipient)
) STRICT, WITHOUT ROWID;
INSERT INTO message_by_id (message_id, recipient)
    SELECT message_id, recipient FROM message WHERE message_id IS NOT NULL ORDER BY 1, 2;

-- From here on `recipient.finished_at` is null if the message was accepted in the usual way: its own
-- time tells it, and the row is not longer than it was in the queue, so that its page need not be split.
