//! What becomes of an accepted message: its events, and their effects on the account.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::account::{Account, Ids, Receipt};
use super::super::answer::time_text;
use super::super::app::App;
use super::super::people::{Message, Person, PersonKey};
use super::super::random::{Share, draw};
use super::super::settings::{Channel, Settings, WebhookSettings};

/// One event, to be delivered at least once.
#[derive(Debug)]
pub(super) struct Event {
    /// The literal of the API.
    pub(super) name: &'static str,
    /// The channel, for the URL.
    pub(super) channel_id: String,
    /// The JSON text of `data`.
    pub(super) data: String,
    /// From the acceptance of the message.
    pub(super) after: Duration,
    /// Carries a wrong signature.
    pub(super) forged: bool,
    /// The person who opts out by this event.
    pub(super) stops: Option<PersonKey>,
    /// The seed of what may happen to its delivery.
    pub(super) chance: u64,
}

/// Purposes of draws.
mod purpose {
    pub(super) const OPT_IN: u64 = 101;
    pub(super) const ECHO: u64 = 102;
    pub(super) const DELIVERED: u64 = 103;
    pub(super) const READ: u64 = 104;
    pub(super) const STOP: u64 = 105;
    pub(super) const FAILED: u64 = 106;
    pub(super) const UNKNOWN: u64 = 107;
    pub(super) const FORGED: u64 = 108;
    pub(super) const WORD: u64 = 109;
    pub(super) const CODE: u64 = 110;
    pub(super) const ORDER: u64 = 111;
    pub(super) const EVENT: u64 = 112;
}

/// Steps from the first event to the last.
const STEPS: u32 = 8;

/// Decides what becomes of a message, and enters it into the account.
pub(super) fn plan(
    app: &App,
    account: &mut Account,
    settings: &WebhookSettings,
    receipt: Receipt,
) -> Vec<Event> {
    let channel = app.settings.channels.get(receipt.key.channel());
    let (Some(channel), Some(person)) = (channel, account.people.get_mut(&receipt.key)) else {
        return Vec::new();
    };
    let mut plan = Plan {
        sandbox: &app.settings,
        settings,
        receipt,
        channel,
        person,
        ids: &mut account.ids,
        now_ms: app.now_ms(),
        events: Vec::new(),
    };
    plan.echo();
    plan.opt_in();
    if !plan.fails() {
        plan.arrives();
    }
    plan.odd_events();
    plan.events
}

/// The events of one message in the making.
struct Plan<'a> {
    sandbox: &'a Settings,
    settings: &'a WebhookSettings,
    receipt: Receipt,
    channel: &'a Channel,
    person: &'a mut Person,
    ids: &'a mut Ids,
    now_ms: u64,
    events: Vec<Event>,
}

impl Plan<'_> {
    /// A draw about the message. Its subject holds no ids, so that another run with this seed repeats it.
    fn draw(&self, purpose: u64) -> u64 {
        let nth = self.receipt.count as u64;
        let seed = self.sandbox.seed ^ nth.rotate_left(32);
        draw(seed, purpose, self.receipt.key.subject())
    }

    fn is_drawn(&self, share: Share, purpose: u64) -> bool {
        share.holds(self.draw(purpose))
    }

    fn message_id(&self) -> String {
        self.receipt.message_id.to_string()
    }

    fn message(&mut self) -> Option<&mut Message> {
        self.person.messages.get_mut(self.receipt.count - 1)
    }

    /// From the acceptance to a step.
    fn after(&self, step: u32) -> Duration {
        self.settings.delay + self.settings.spread * step / STEPS
    }

    /// The nominal time of a step, in epoch milliseconds.
    fn time_ms(&mut self, step: u32) -> u64 {
        let after = self.after(step).as_millis();
        let sent_ms = self.message().map_or(0, |message| message.sent_ms);
        sent_ms + u64::try_from(after).unwrap_or(0)
    }

    /// Adds an event with `channel`, `contact` and these fields.
    fn add(
        &mut self,
        name: &'static str,
        step: u32,
        with_phone: bool,
        fields: Value,
    ) -> &mut Event {
        let key = self.receipt.key;
        let mut contact = json!({ "id": key.contact_id().to_string() });
        if with_phone || !self.channel.is_messenger() {
            contact["phone_number"] = key.number().to_string().into();
        }
        let mut data = Map::new();
        let channel = json!({ "id": self.channel.id, "type": self.channel.kind });
        data.insert("channel".to_owned(), channel);
        data.insert("contact".to_owned(), contact);
        if let Value::Object(fields) = fields {
            data.extend(fields);
        }
        let index = self.events.len();
        let chance = draw(self.draw(purpose::EVENT), u64::from(step), index as u64);
        let order = |nth| draw(chance, purpose::ORDER, nth);
        let step = if self.settings.reordered.holds(order(0)) {
            u32::try_from(order(1) % u64::from(STEPS)).unwrap_or(0)
        } else {
            step
        };
        self.events.push(Event {
            name,
            channel_id: self.channel.id.clone(),
            data: Value::Object(data).to_string(),
            after: self.after(step),
            forged: false,
            stops: None,
            chance,
        });
        &mut self.events[index]
    }

    fn echo(&mut self) {
        if self.channel.is_mobile() || !self.is_drawn(self.settings.echo, purpose::ECHO) {
            return;
        }
        let mut fields = json!({ "id": self.message_id() });
        if let Some(message) = self.message() {
            fields["content"] = json!(message.content);
            if let Some(metadata) = &message.metadata {
                fields["metadata"] = json!(metadata);
            }
        }
        self.add("message_echo", 0, false, fields);
    }

    /// True if what is sent to this person reaches them.
    fn accepts_messages(&self) -> bool {
        let draw = draw(
            self.sandbox.seed,
            purpose::OPT_IN,
            self.receipt.key.subject(),
        );
        !self.channel.is_messenger() || self.settings.opt_in.holds(draw)
    }

    fn opt_in(&mut self) {
        let first = self.receipt.by_phone && self.receipt.count == 1;
        if !self.channel.is_messenger() || !first || !self.accepts_messages() {
            return;
        }
        self.person.opted_in_ms = self.time_ms(1);
        let fields = json!({ "opt_in": { "type": "phone_number" } });
        self.add("opt_in", 1, true, fields);
    }

    /// A failure that is reported later: not on Messenger, which refuses at once.
    fn fails(&mut self) -> bool {
        let Some(code) = self.failure() else {
            return false;
        };
        if let Some(message) = self.message() {
            message.failed_code = code;
        }
        let text = match code {
            2 => "The person blocks messages.",
            3 => "No user was found for this phone number.",
            4 => "The message was not delivered in time.",
            _ => "The message could not be processed.",
        };
        let error = json!({ "code": code, "message": text });
        let fields = json!({ "message": { "id": self.message_id() }, "error": error });
        self.add("message_failed", 2, true, fields);
        true
    }

    /// The code of the failure, if the message fails.
    fn failure(&self) -> Option<u32> {
        if self.channel.is_messenger() {
            return None;
        }
        let mobile = self.channel.is_mobile();
        // Every number takes SMS.
        let number = self.receipt.key.number();
        let unreachable = !mobile && self.sandbox.is_unreachable(self.channel, number);
        let failed = self.is_drawn(self.settings.failed, purpose::FAILED);
        match (self.receipt.fail_later, self.draw(purpose::CODE) % 3) {
            (Some(code), _) => Some(code),
            (None, _) if unreachable => Some(3),
            (None, _) if !failed => None,
            (None, 0) => Some(4),
            (None, 1) if !mobile => Some(2),
            (None, _) => Some(1),
        }
    }

    fn arrives(&mut self) {
        if !self.accepts_messages() || !self.is_drawn(self.settings.delivered, purpose::DELIVERED) {
            return;
        }
        let delivered = self.time_ms(2);
        if let Some(message) = self.message() {
            message.delivered_ms = delivered;
        }
        let fields = json!({ "messages": [{ "id": self.message_id() }], "delivered_timestamp": time_text(delivered) });
        self.add("messages_delivered", 2, self.receipt.by_phone, fields);
        if !self.channel.is_mobile() && self.is_drawn(self.settings.read, purpose::READ) {
            self.reads();
        }
        if !self.channel.is_viber() && self.is_drawn(self.settings.stop, purpose::STOP) {
            self.stops();
        }
    }

    fn reads(&mut self) {
        let read = self.time_ms(4);
        // The event names no message: it says that everything sent so far is read.
        for message in &mut self.person.messages {
            if message.read_ms == 0 && message.sent_ms <= read {
                message.read_ms = read;
            }
        }
        let fields = json!({ "last_read_timestamp": time_text(read) });
        self.add("messages_read", 4, false, fields);
    }

    fn stops(&mut self) {
        let stopped = self.time_ms(6);
        if self.person.stopped_ms == 0 {
            self.person.stopped_ms = stopped;
        }
        let (key, fields) = (self.receipt.key, self.opt_out());
        self.add("message_received", 6, false, fields).stops = Some(key);
    }

    /// A message from the person that holds an opt-out word.
    fn opt_out(&mut self) -> Value {
        let words = &self.settings.stop_words;
        let index = self.draw(purpose::WORD).checked_rem(words.len() as u64);
        let word = index
            .and_then(|index| words.get(usize::try_from(index).ok()?))
            .map_or("STOP", String::as_str);
        let id = self.ids.next(self.now_ms).to_string();
        json!({ "id": id, "content": { "type": "text", "payload": word } })
    }

    fn odd_events(&mut self) {
        if self.is_drawn(self.settings.unknown, purpose::UNKNOWN) {
            self.add("channel_weather", 3, false, json!({ "weather": "fine" }));
        }
        if self.is_drawn(self.settings.forged, purpose::FORGED) {
            let fields = self.opt_out();
            self.add("message_received", 5, false, fields).forged = true;
        }
    }
}
