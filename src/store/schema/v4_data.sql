-- What version 3 knew, in the tables of version 4. `decimal(x)` is the integer that a decimal text stands
-- for, or the text itself; `content_key(channel, content)` is the key of the repeat guard; `number_hash(x)` is
-- the hash that stays of an erased number.

INSERT INTO channel (api_id, type)
    SELECT channel, max(type) FROM
        (SELECT channel, channel_type AS type, id AS at FROM batch_before
         UNION ALL SELECT DISTINCT channel, NULL, 1 << 62 FROM contact_before
         UNION ALL SELECT DISTINCT channel, NULL, 1 << 62 FROM contact_read_before)
    GROUP BY channel ORDER BY min(at);

-- People, in the order of the first row that had their number; then who is known from elsewhere.
INSERT INTO person (number)
    SELECT phone FROM (SELECT phone, min(id) AS first FROM recipient_before
                       WHERE phone IS NOT NULL GROUP BY phone)
    ORDER BY first;
INSERT INTO person_by_number (number, person) SELECT number, id FROM person ORDER BY number;
INSERT INTO person (number)
    SELECT phone FROM (SELECT phone FROM suppression UNION SELECT phone FROM contact_before
                       UNION SELECT phone FROM attempt_before WHERE phone IS NOT NULL)
    WHERE phone NOT IN (SELECT number FROM person_by_number) ORDER BY phone;
INSERT OR IGNORE INTO person_by_number (number, person) SELECT number, id FROM person ORDER BY number;
UPDATE person SET suppressed_at = s.added_at, suppressed_reason = s.reason, suppressed_source = s.source
    FROM suppression s JOIN person_by_number n ON n.number = s.phone WHERE person.id = n.person;

-- Erased people: a list that came later may hold the number again.
UPDATE person SET number_hash = number_hash(number), number = NULL, suppressed_at = h.added_at,
                  suppressed_reason = 'erased at the person''s request', suppressed_source = 'forget'
    FROM suppression_hash h WHERE h.hash = number_hash(person.number);
-- The other hashes are those of numbers that no list holds, or of contacts; which of them was not stored.
INSERT INTO person (number_hash, suppressed_at, suppressed_reason, suppressed_source)
    SELECT hash, added_at, 'erased at the person''s request', 'forget' FROM suppression_hash
    WHERE hash NOT IN (SELECT number_hash FROM person WHERE number_hash IS NOT NULL) ORDER BY hash;
INSERT INTO contact (channel, api_id_hash) SELECT 0, hash FROM suppression_hash ORDER BY hash;

INSERT INTO batch (id, uid, name, staged_for, state, state_since, digest, definition, headers, files, channel, sandbox,
                   created_at, last_seq, started_at, finished_at, exit_reason, halted_text)
    SELECT b.id, randomblob(8), iif(b.stage = 'reading' AND b.name LIKE '% (second list)', NULL, b.name),
           iif(b.stage = 'reading' AND b.name LIKE '% (second list)',
               coalesce((SELECT t.id FROM batch_before t WHERE t.name || ' (second list)' = b.name), 0), NULL),
           CASE WHEN b.stage = 'reading' THEN 'reading'
                WHEN b.exit_reason IN ('complete', 'complete_with_problems') THEN 'complete'
                WHEN b.exit_reason = 'paused' THEN 'paused'
                WHEN b.exit_reason IS NOT NULL THEN 'stopped'
                WHEN b.started_at IS NOT NULL THEN 'running'
                ELSE 'draft' END,
           coalesce(b.finished_at, b.started_at, b.created_at), b.digest, b.definition, b.headers, b.files,
           c.id, b.sandbox, b.created_at, b.last_seq, b.started_at, b.finished_at, b.exit_reason, b.halted_text
    FROM batch_before b JOIN channel c ON c.api_id = b.channel ORDER BY b.id;

INSERT INTO tally (batch, sent, no_messenger, error, unknown, invalid, duplicate, suppressed, queued, sending,
                   requests, throttled)
    SELECT b.id, coalesce(sum(n) FILTER (WHERE what = 'sent'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'no_messenger'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'error'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'unknown'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'invalid'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'duplicate'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'suppressed'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'queued'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'sending'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'requests'), 0),
           coalesce(sum(n) FILTER (WHERE what = 'throttled'), 0)
    FROM batch b LEFT JOIN tally_before t ON t.batch = b.id GROUP BY b.id;

INSERT INTO recipient (id, person, state, attempts, reason_code, reason, finished_at)
    SELECT r.id, n.person,
           CASE WHEN r.state = 'queued' AND EXISTS (SELECT 1 FROM intent i WHERE i.first <= r.id AND i.last >= r.id)
                THEN 'sending' ELSE r.state END,
           r.attempts, r.reason_code, r.reason, r.finished_at
    FROM recipient_before r LEFT JOIN person_by_number n ON n.number = r.phone ORDER BY r.id;

-- Requests; and what was decided or proven about one, as a note.
INSERT INTO attempt (id, recipient, person, channel, kind, content_key, key_form, token, started_at, finished_at,
                     outcome, http_status, text, message_id, proof, proof_by)
    SELECT a.id, a.recipient, coalesce(r.person, n.person), b.channel,
           CASE WHEN a.outcome IN ('evidence', 'assumed_sent', 'resend') THEN 'note' ELSE 'request' END,
           CASE WHEN i.content IS NULL THEN a.content_key ELSE content_key(c.api_id, i.content) END,
           CASE WHEN i.content IS NULL THEN 0 ELSE 1 END,
           a.token, a.started_at, coalesce(a.finished_at, a.started_at), coalesce(a.outcome, 'interrupted'),
           a.http_status, a.text, decimal(a.message_id),
           CASE WHEN a.outcome NOT IN ('undecided', 'interrupted') THEN NULL
                WHEN r.state = 'sent' THEN 'accepted'
                WHEN r.state IN ('queued', 'sending') THEN 'resend'
                WHEN r.state IN ('error', 'no_messenger') THEN 'failed' END,
           a.actor
    FROM attempt_before a
         JOIN batch b ON b.id = a.recipient >> 32
         JOIN channel c ON c.id = b.channel
         LEFT JOIN recipient r ON r.id = a.recipient
         LEFT JOIN recipient_input i ON i.id = a.recipient
         LEFT JOIN person_by_number n ON n.number = a.phone
    ORDER BY a.id;
INSERT INTO attempt (recipient, person, channel, kind, content_key, key_form, token, started_at)
    SELECT r.id, r.person, b.channel, 'request', content_key(c.api_id, i.content), 1, t.token, t.started_at
    FROM intent t JOIN recipient r ON r.id BETWEEN t.first AND t.last AND r.state = 'sending'
         JOIN recipient_input i ON i.id = r.id
         JOIN batch b ON b.id = r.id >> 32 JOIN channel c ON c.id = b.channel
    ORDER BY r.id;
UPDATE recipient_input SET content_key =
        content_key((SELECT c.api_id FROM batch b JOIN channel c ON c.id = b.channel
                     WHERE b.id = recipient_input.id >> 32), content)
    WHERE content IS NOT NULL;
UPDATE recipient SET maybe_accepted_at = a.at
    FROM (SELECT recipient, max(started_at) AS at FROM attempt
          WHERE outcome IN ('undecided', 'interrupted') AND proof IS NULL GROUP BY recipient) a
    WHERE recipient.id = a.recipient AND recipient.state = 'unknown';

-- Rows and requests of erased people have their person now; a number of theirs that comes again is a new person.
DELETE FROM person_by_number WHERE person IN (SELECT id FROM person WHERE number IS NULL);

-- Contacts: those that were entered, then those that only a message names.
INSERT INTO contact (channel, api_id, person, opted_in_at, opted_out_at)
    SELECT c.id, decimal(k.contact_id), n.person, k.opted_in_at, k.opted_out_at
    FROM contact_before k JOIN channel c ON c.api_id = k.channel
         JOIN person_by_number n ON n.number = k.phone
    ORDER BY n.person;
UPDATE contact SET former = 1
    WHERE api_id IS NOT NULL AND EXISTS (SELECT 1 FROM contact o WHERE o.api_id = contact.api_id
                                                AND o.channel = contact.channel AND o.id < contact.id);
INSERT INTO contact (channel, api_id, person, former)
    SELECT DISTINCT b.channel, decimal(a.contact_id), r.person,
           EXISTS (SELECT 1 FROM contact o WHERE o.channel = b.channel AND o.api_id IS NOT NULL
                          AND (o.person = r.person OR o.api_id = decimal(a.contact_id)))
    FROM (SELECT recipient, contact_id FROM message WHERE contact_id IS NOT NULL
          UNION SELECT recipient, contact_id FROM attempt_before WHERE contact_id IS NOT NULL) a
         JOIN recipient r ON r.id = a.recipient JOIN batch b ON b.id = r.id >> 32
    WHERE NOT EXISTS (SELECT 1 FROM contact o WHERE o.api_id = decimal(a.contact_id)
                                                    AND o.channel = b.channel AND o.person IS r.person)
    ORDER BY r.person;
INSERT INTO contact (channel, api_id)
    SELECT DISTINCT c.id, decimal(s.contact_id)
    FROM contact_read_before s JOIN channel c ON c.api_id = s.channel
    WHERE NOT EXISTS (SELECT 1 FROM contact o WHERE o.api_id = decimal(s.contact_id) AND o.channel = c.id);
INSERT OR IGNORE INTO contact_read (contact, until)
    SELECT k.id, s.until FROM contact_read_before s JOIN channel c ON c.api_id = s.channel
         JOIN contact k ON k.api_id = decimal(s.contact_id) AND k.channel = c.id AND k.former = 0;

-- What is known of a message stands in the last request that was accepted.
CREATE TEMP TABLE accepted AS
    SELECT recipient, max(id) AS attempt FROM attempt
    WHERE kind = 'request' AND (outcome = 'sent' OR proof = 'accepted') GROUP BY recipient;
INSERT INTO attempt (recipient, person, channel, kind, content_key, key_form, started_at, finished_at, outcome,
                     contact)
    SELECT m.recipient, r.person, b.channel, 'request', i.content_key, iif(i.content_key IS NULL, 0, 1),
           m.sent_at, m.sent_at, 'sent',
           (SELECT min(k.id) FROM contact k WHERE k.api_id = decimal(m.contact_id) AND k.channel = b.channel
                                                  AND k.person IS r.person)
    FROM message m JOIN recipient r ON r.id = m.recipient JOIN batch b ON b.id = r.id >> 32
         JOIN recipient_input i ON i.id = r.id
    WHERE r.state = 'sent' AND m.recipient NOT IN (SELECT recipient FROM accepted) ORDER BY m.recipient;
DELETE FROM temp.accepted;
INSERT INTO temp.accepted
    SELECT recipient, max(id) FROM attempt
    WHERE kind = 'request' AND (outcome = 'sent' OR proof = 'accepted') GROUP BY recipient;
UPDATE attempt SET message_id = coalesce(decimal(m.message_id), attempt.message_id),
                   delivered_at = m.delivered_at, read_at = m.read_at
    FROM message m JOIN temp.accepted t ON t.recipient = m.recipient WHERE attempt.id = t.attempt;
UPDATE attempt SET contact = k.id
    FROM (SELECT t.attempt AS id, coalesce(m.contact_id, a.contact_id) AS api_id, a.recipient AS recipient
          FROM temp.accepted t JOIN attempt_before a ON a.id = t.attempt
               LEFT JOIN message m ON m.recipient = t.recipient) x
         JOIN batch b ON b.id = x.recipient >> 32
         JOIN contact k ON k.api_id = decimal(x.api_id) AND k.channel = b.channel
    WHERE attempt.id = x.id AND k.person IS attempt.person;
DROP TABLE temp.accepted;

-- The keys of old events followed from their content: those that were applied are not kept.
INSERT INTO event (key, kind, news, received_at)
    SELECT key, kind, news, received_at FROM webhook_event
    WHERE applied_at IS NULL AND news IS NOT NULL ORDER BY id;

DROP TABLE webhook_event;
DROP TABLE contact_read_before;
DROP TABLE contact_before;
DROP TABLE contact_message;
DROP TABLE contact_due;
DROP TABLE entered;
DROP TABLE message;
DROP TABLE message_by_id;
DROP TABLE intent;
DROP TABLE attempt_before;
DROP TABLE recipient_before;
DROP TABLE tally_before;
DROP TABLE batch_before;
DROP TABLE suppression;
DROP TABLE suppression_hash;
INSERT INTO refusal (text, meaning, source, decided_at)
    SELECT text, 'no_messenger', 'learned', added_at FROM known_refusal;
DROP TABLE known_refusal;
DROP TABLE setting;

-- What the tables of version 3 held must not linger in the file.
INSERT INTO node (key, value) SELECT 'vacuum_due', 1 WHERE EXISTS (SELECT 1 FROM batch);

-- The indexes are made last, each in one sorted pass.
CREATE INDEX recipient_by_person ON recipient (person) WHERE person IS NOT NULL;
CREATE INDEX recipient_queue ON recipient (id >> 32, not_before, id) WHERE state = 'queued' AND held IS NULL;
CREATE INDEX recipient_unknown ON recipient (id) WHERE state = 'unknown';
CREATE INDEX attempt_by_person ON attempt (person, recipient);
CREATE INDEX attempt_by_message ON attempt (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX attempt_under_way ON attempt (recipient) WHERE outcome IS NULL;
CREATE INDEX event_waiting ON event (id) WHERE applied_at IS NULL;
CREATE INDEX event_unreadable ON event (id) WHERE body IS NOT NULL;
