//! How a claimed recipient's message reaches the API.

use super::batch::HeldBatch;
use super::error::RunError;
use crate::amio::{Client, OutgoingMessage, RawJson, Reply};
use crate::clock::Moment;
use crate::dispatch::Sender;
use crate::domain::content::{BATCH_KEY, RECIPIENT_KEY, ROW_KEY, with_own_metadata};
use crate::domain::outcome::{Exchange, Written};
use crate::domain::quota::QuotaHeaders;
use crate::store::Claimed;

/// Sends the messages of one batch.
#[derive(Debug)]
pub(super) struct ApiSender {
    client: Client,
    /// In the order in which they are tried.
    channels: Vec<String>,
    /// The batch's name as JSON text.
    batch: String,
    /// What names checkpoint and batch in an event that comes back.
    key: String,
}

impl Sender for ApiSender {
    async fn send(&self, recipient: &Claimed, decided: Moment) -> Reply {
        let content = RawJson::new(recipient.content.clone());
        let metadata = RawJson::new(self.metadata(recipient));
        let channel = self.channels.get(recipient.step.index());
        let (Ok(content), Ok(metadata), Some(channel)) = (content, metadata, channel) else {
            return Reply {
                exchange: Exchange::Failed {
                    written: Written::No,
                    detail: "the stored content is no JSON".to_owned(),
                },
                quota: QuotaHeaders::default(),
            };
        };
        let message = OutgoingMessage {
            channel,
            addressee: &recipient.addressee,
            content: &content,
            metadata: &metadata,
            decided,
        };
        self.client.send(&message).await
    }

    fn keep_connections(&self, keep: bool) {
        self.client.keep_connections(keep);
    }
}

impl ApiSender {
    pub(super) fn new(client: Client, batch: &HeldBatch) -> Result<Self, RunError> {
        let checkpoint = batch.store().uid()?;
        let batch = batch.batch();
        Ok(Self {
            client,
            channels: batch.channels().map(str::to_owned).collect(),
            batch: serde_json::Value::from(batch.name.as_str()).to_string(),
            key: format!("{checkpoint}.{}", batch.uid),
        })
    }

    /// The user's metadata with our own keys in front.
    fn metadata(&self, recipient: &Claimed) -> String {
        let own = format!(
            r#"{{"{BATCH_KEY}":{},"{ROW_KEY}":"{}","{RECIPIENT_KEY}":"{}.{}""#,
            self.batch,
            recipient.row,
            self.key,
            recipient.recipient.seq(),
        );
        with_own_metadata(own, &recipient.metadata)
    }
}
