//! The requests to a person, as they count for the batch and row that ask.

use std::cmp::Reverse;
use std::sync::LazyLock;

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::{MAY_BE_ACCEPTED, request_outcome};
use super::columns::time;
use super::earlier::SkippedBatch;
use super::error::StoreError;
use super::ids::{AttemptId, BatchId, ChannelId, PersonId, RecipientId};
use super::keys::{HashKey, IMPORTED_FORM};
use super::query::Query as _;
use crate::domain::eligibility::{PastRequest, RequestOutcome};
use crate::domain::outcome::AttemptOutcome;
use crate::domain::results_row::content_digest;

/// The batch and row that ask about earlier requests, and the content that they are about to send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) batch: Option<BatchId>,
    pub(super) recipient: Option<RecipientId>,
    pub(super) channel: Option<ChannelId>,
    pub(super) content: Option<AskedContent<'a>>,
    /// The batches whose people are left out.
    pub(super) skip: &'a [SkippedBatch],
    /// It is asked about another number of the row than the one that the row would be sent to.
    pub(super) is_other_number: bool,
}

/// A content that is to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedContent<'a> {
    pub(super) keys: &'a HashKey,
    pub(super) text: &'a str,
    pub(super) key: AskedKey<'a>,
}

/// The key of a content: making it costs as much as looking the person up, and few people need it.
#[derive(Debug, Clone, Copy)]
pub(super) enum AskedKey<'a> {
    /// It is stored.
    Known(i64),
    /// It is made when it is needed, for this channel.
    Of(&'a str),
}

impl AskedContent<'_> {
    fn key(&self) -> i64 {
        match self.key {
            AskedKey::Known(key) => key,
            AskedKey::Of(channel) => self.keys.content_key(channel, self.text),
        }
    }

    /// The key that a results file would have for it.
    fn imported_key(&self) -> i64 {
        self.keys.imported_content_key(&content_digest(self.text))
    }
}

/// What identifies the content of a request.
#[derive(Debug, Clone, Copy)]
enum ContentKey {
    /// As this checkpoint makes it.
    Own(i64),
    /// As a results file has it.
    Imported(i64),
}

/// A request to a person, as it is stored. Those that were surely refused are left out.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about the request; any of them may go with any other"
)]
pub(super) struct PastAttempt {
    id: AttemptId,
    recipient: RecipientId,
    pub(super) channel: ChannelId,
    pub(super) at: Timestamp,
    /// `None` if it was not accepted.
    pub(super) outcome: Option<RequestOutcome>,
    /// It was answered "no Messenger", whatever was proven later.
    found_nobody: bool,
    /// Something was proven of it.
    is_proven: bool,
    /// It was accepted or may have been, and no answer named whom it reached.
    pub(super) reached_unknown: bool,
    content: Option<ContentKey>,
    batch_unfinished: bool,
    /// The random id of its batch; only if it was asked for.
    batch_uid: Option<String>,
}

impl PastAttempt {
    /// The batch that it is of.
    pub(super) fn batch(&self) -> BatchId {
        self.recipient.batch()
    }

    /// Whether "no Messenger" is the last thing that is known of it.
    pub(super) fn is_unreached(&self) -> bool {
        self.found_nobody && !self.is_proven
    }

    /// How it counts for the asker; `None` if it was not accepted, or is the asker's own.
    fn seen_by(
        &self,
        asker: &Asker<'_>,
        unfinished_since: Option<Timestamp>,
    ) -> Option<(PastRequest, RecipientId)> {
        let outcome = self.outcome?;
        let was_refused = self.found_nobody && outcome != RequestOutcome::Accepted;
        if was_refused || asker.recipient == Some(self.recipient) {
            return None;
        }
        let same_batch = asker.batch == Some(self.batch());
        // Those of the batch itself count whatever they said.
        let content = asker.content.filter(|_| !same_batch);
        let is_here = asker.channel == Some(self.channel);
        let same_content = match (content, self.content.filter(|_| is_here)) {
            (Some(content), Some(ContentKey::Imported(key))) => content.imported_key() == key,
            (Some(content), Some(ContentKey::Own(key))) => content.key() == key,
            (None, _) | (_, None) => false,
        };
        let is_skipped = |uid: &String| {
            let mut skip = asker.skip.iter();
            skip.any(|it| it.uid == *uid && it.since.is_none_or(|since| self.at >= since))
        };
        let request = PastRequest {
            at: self.at,
            outcome,
            same_batch,
            same_content,
            batch_unfinished: self.batch_unfinished,
            left_meanwhile: unfinished_since.is_some_and(|since| self.at >= since),
            skipped: self.batch_uid.as_ref().is_some_and(is_skipped),
        };
        Some((request, self.recipient))
    }
}

/// The requests to a person, the latest first. `with_uid`: with the random ids of their batches.
pub(super) fn attempts_to(
    connection: &Connection,
    person: PersonId,
    with_uid: bool,
) -> Result<Vec<PastAttempt>, StoreError> {
    // Asked for each row of a list: the text is made once.
    static ATTEMPTS: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT a.id, a.recipient, a.channel, a.started_at, a.outcome, a.proof, a.content_key, a.key_form IS ?2,
                b.state IS NOT 'complete', iif(?3, lower(hex(b.uid)), NULL),
                a.contact IS NULL AND a.proof IS NOT 'failed'
                    AND (a.outcome IN ('undecided', 'interrupted') OR a.outcome = 'sent' AND a.kind = 'request')
         FROM attempt a INDEXED BY attempt_by_person LEFT JOIN batch b ON b.id = a.recipient >> 32
         WHERE a.person = ?1 AND a.kind NOT IN ('note', 'test')
               AND ({MAY_BE_ACCEPTED} OR a.outcome = 'no_messenger')"
        )
    });
    let mut found = connection.read(&ATTEMPTS, (person, IMPORTED_FORM, with_uid), |row| {
        let (outcome, proof): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
        let (outcome, proof) = (outcome.as_deref(), proof.as_deref());
        let content: Option<i64> = row.get(6)?;
        Ok(PastAttempt {
            id: row.get(0)?,
            recipient: row.get(1)?,
            channel: row.get(2)?,
            at: time(row, 3)?,
            outcome: request_outcome(outcome, proof),
            found_nobody: outcome == Some(AttemptOutcome::NoMessenger.word()),
            is_proven: proof.is_some(),
            content: content.map(if row.get(7)? {
                ContentKey::Imported
            } else {
                ContentKey::Own
            }),
            batch_unfinished: row.get(8)?,
            batch_uid: row.get(9)?,
            reached_unknown: row.get::<_, Option<bool>>(10)?.unwrap_or(false),
        })
    })?;
    // The order is made here: SQLite makes a table for it, each time that it is asked.
    found.sort_unstable_by_key(|attempt| Reverse(attempt.id));
    Ok(found)
}

/// What is known of the requests to a person.
#[derive(Debug)]
pub(super) struct PastOf {
    /// Those that were accepted, or may have been, with whose they are; those of the recipient that asks are left out.
    pub(super) requests: Vec<(PastRequest, RecipientId)>,
    /// One was answered "no Messenger" on the channel that is asked about: see [`unreached_since`](super::attempt::unreached_since).
    pub(super) was_unreached: bool,
}

impl PastOf {
    /// How these requests count for the asker, whose batch is unfinished since that time.
    pub(super) fn new(
        attempts: &[PastAttempt],
        asker: &Asker<'_>,
        unfinished_since: Option<Timestamp>,
    ) -> Self {
        let seen = |it: &PastAttempt| it.seen_by(asker, unfinished_since);
        let is_here = |attempt: &PastAttempt| asker.channel == Some(attempt.channel);
        let mut attempts_here = attempts.iter().filter(|attempt| is_here(attempt));
        Self {
            requests: attempts.iter().filter_map(seen).collect(),
            was_unreached: attempts_here.any(|attempt| attempt.found_nobody),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoint::Store;

    const TEXT: &str = r#"{"text": "Hello"}"#;

    /// An accepted request of another batch.
    fn accepted() -> PastAttempt {
        PastAttempt {
            id: AttemptId(1),
            recipient: RecipientId::new(BatchId::for_tests(2), 1),
            channel: ChannelId(1),
            at: Timestamp::UNIX_EPOCH,
            outcome: Some(RequestOutcome::Accepted),
            found_nobody: false,
            is_proven: false,
            reached_unknown: false,
            content: Some(ContentKey::Own(5)),
            batch_unfinished: false,
            batch_uid: Some("0a".to_owned()),
        }
    }

    fn keys() -> HashKey {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        store.keys.clone()
    }

    fn asker<'a>(keys: &'a HashKey, skip: &'a [SkippedBatch]) -> Asker<'a> {
        let batch = BatchId::for_tests(1);
        Asker {
            batch: Some(batch),
            recipient: Some(RecipientId::new(batch, 1)),
            channel: Some(ChannelId(1)),
            content: Some(AskedContent {
                keys,
                text: TEXT,
                key: AskedKey::Known(5),
            }),
            skip,
            is_other_number: false,
        }
    }

    #[test]
    fn a_request_counts_for_whoever_else_asks_if_it_was_accepted_or_may_have_been() {
        use RequestOutcome::{Accepted, SentAgain, UnderWay, Unknown};
        let keys = keys();
        let asker = asker(&keys, &[]);
        let seen = |found_nobody, outcome| {
            let attempt = PastAttempt {
                outcome,
                found_nobody,
                ..accepted()
            };
            let seen = attempt.seen_by(&asker, None);
            seen.map(|(request, _)| request.outcome)
        };
        for outcome in [Accepted, SentAgain, UnderWay, Unknown] {
            assert_eq!(seen(false, Some(outcome)), Some(outcome));
            // Nobody was found: nothing arrived, unless something shows that it did.
            let arrived = Some(outcome).filter(|outcome| *outcome == Accepted);
            assert_eq!(seen(true, Some(outcome)), arrived);
        }
        assert_eq!(seen(false, None), None);
        let own = PastAttempt {
            recipient: RecipientId::new(BatchId::for_tests(1), 1),
            ..accepted()
        };
        assert!(own.seen_by(&asker, None).is_none());
    }

    #[test]
    fn a_message_is_the_same_with_the_same_content_on_the_same_channel() {
        let keys = keys();
        let imported = keys.imported_content_key(&content_digest(TEXT));
        for (content, on, batch, is_same) in [
            (Some(ContentKey::Own(5)), 1, 2, true),
            (Some(ContentKey::Own(6)), 1, 2, false),
            (Some(ContentKey::Imported(imported)), 1, 2, true),
            (Some(ContentKey::Imported(5)), 1, 2, false),
            (Some(ContentKey::Own(imported)), 1, 2, false),
            (None, 1, 2, false),
            (Some(ContentKey::Own(5)), 2, 2, false),
            // For another row of the batch itself it counts whatever it said.
            (Some(ContentKey::Own(5)), 1, 1, false),
        ] {
            let attempt = PastAttempt {
                content,
                channel: ChannelId(on),
                recipient: RecipientId::new(BatchId::for_tests(batch), 2),
                ..accepted()
            };
            let (request, _) = attempt.seen_by(&asker(&keys, &[]), None).unwrap();
            let found = (request.same_content, request.same_batch);
            assert_eq!(found, (is_same, batch == 1), "{attempt:?}");
        }
        let nothing = Asker {
            content: None,
            ..asker(&keys, &[])
        };
        let (request, _) = accepted().seen_by(&nothing, None).unwrap();
        assert!(!request.same_content);
    }

    #[test]
    fn a_request_left_meanwhile_if_it_left_since_the_batch_that_asks_is_unfinished() {
        let keys = keys();
        let later = Timestamp::from_second(1).unwrap();
        for (since, wanted) in [
            (None, false),
            (Some(Timestamp::UNIX_EPOCH), true),
            (Some(later), false),
        ] {
            let (request, _) = accepted().seen_by(&asker(&keys, &[]), since).unwrap();
            assert_eq!(request.left_meanwhile, wanted, "{since:?}");
        }
    }

    #[test]
    fn a_request_of_a_batch_whose_people_are_left_out_says_so() {
        let keys = keys();
        let later = Timestamp::from_second(1).unwrap();
        for (skip, is_skipped) in [
            (vec![], false),
            (vec![("0b", None)], false),
            (vec![("0b", None), ("0a", None)], true),
            (vec![("0a", Some(Timestamp::UNIX_EPOCH))], true),
            (vec![("0a", Some(later))], false),
        ] {
            let skip = skip.into_iter().map(|(uid, since)| SkippedBatch {
                uid: uid.to_owned(),
                since,
            });
            let skip: Vec<_> = skip.collect();
            let (request, _) = accepted().seen_by(&asker(&keys, &skip), None).unwrap();
            assert_eq!(request.skipped, is_skipped, "{skip:?}");
        }
    }

    #[test]
    fn who_was_not_found_is_asked_about_on_the_channel_that_found_nobody() {
        let keys = keys();
        for (found_nobody, on, wanted) in [(true, 1, true), (true, 2, false), (false, 1, false)] {
            let attempt = PastAttempt {
                found_nobody,
                channel: ChannelId(on),
                ..accepted()
            };
            let past = PastOf::new(&[attempt], &asker(&keys, &[]), None);
            assert_eq!(past.was_unreached, wanted, "{found_nobody} on {on}");
        }
    }
}
