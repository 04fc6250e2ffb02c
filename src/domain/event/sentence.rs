//! What the words around a refusing word are about. "Stop" beside "the messages" or "please" is about us; beside "sugar" or
//! "tomorrow" it may be about something else.

use std::ops::Range;

use super::lists::{
    CALLS, CONTACT, DOUBTS, ENDING, ERRANDS, FILLERS, LISTS, List, ME, MESSAGES, NOW, POLITE,
    RECEIVING, SIGN_OFF, TAKE_OFF, UNCLEAR, WHAT_IS_ENDED,
};

/// Words of a sentence that ask for it, alone or together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) kind: AskKind,
    pub(super) span: Range<usize>,
}

/// What must stand beside the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskKind {
    /// Nothing: they ask for it alone.
    Clear,
    /// What we send, or where we have them from: the words mean other things, too.
    Unclear,
    /// Where we have them from, or the person: "delete".
    TakeOff,
    /// What we send: "no more".
    NoMore,
    /// What we send, or that we do: "nothing more".
    NothingMore,
}

/// What a word is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    /// It says nothing of its own: "please", "the", "your".
    Filler,
    /// "Now": who is to be called another time says it, too.
    Now,
    /// What we send, and that we do.
    Message,
    /// What is told apart of what we send: "delivery notifications".
    KindOfMessage,
    /// That they are written to or called, beside "nothing more". Elsewhere it may be about something else.
    Contact,
    /// The number, the list it stands in, the consent.
    List,
    /// The person.
    Me,
    /// What they have with us: "my order".
    Errand,
    /// Another refusal.
    Refusal,
    /// Something else.
    Other,
}

/// A number of so many digits is no time of the day.
const LONG_NUMBER: usize = 3;

/// A sentence of so many words is short.
pub(super) const SHORT_SENTENCE: usize = 6;

/// A sentence, and what it asks for.
#[derive(Debug)]
pub(super) struct Sentence<'a> {
    words: &'a [&'a str],
    /// For each word, in which part between commas it stands.
    parts: &'a [usize],
    asks: Vec<Ask>,
    topics: Vec<Topic>,
}

impl<'a> Sentence<'a> {
    pub(super) fn new(words: &'a [&'a str], parts: &'a [usize], asks: Vec<Ask>) -> Self {
        let topics = topics(words, parts, &asks);
        Self {
            words,
            parts,
            asks,
            topics,
        }
    }

    /// Whether it asks for no more messages, and for nothing else. A question does not, unless it begins with the word; nor
    /// does what is denied.
    pub(super) fn opts_out(&self, is_asked: bool) -> bool {
        self.asks.iter().any(|ask| match ask.kind {
            AskKind::Clear => {
                self.is_followed_by_us(&ask.span)
                    && (ask.span.start == 0
                        || !is_asked && !self.is_denied(&ask.span) && self.is_led_by_us(&ask.span))
            }
            AskKind::Unclear | AskKind::TakeOff | AskKind::NoMore | AskKind::NothingMore => {
                !is_asked
                    && !self.is_denied(&ask.span)
                    && self.is_all_about_us(ask)
                    && self.has_target(ask)
                    && !self.prefers_to_read()
            }
        })
    }

    /// Whether it may ask for it: it says what is to be taken off, and more; or that nothing more is wanted, and nothing else,
    /// or more than that it is about messages.
    pub(super) fn may_opt_out(&self) -> bool {
        self.asks.iter().any(|ask| match ask.kind {
            AskKind::TakeOff => self.has_target(ask),
            AskKind::NothingMore => self.is_all_about_us(ask) || self.has_target(ask),
            AskKind::Clear | AskKind::Unclear | AskKind::NoMore => false,
        })
    }

    /// Whether all words beside these are about us.
    fn is_all_about_us(&self, ask: &Ask) -> bool {
        let is_contact = |at: usize| self.topics.get(at) == Some(&Topic::Contact);
        let contact_counts = ask.kind == AskKind::NothingMore;
        let mut others = self.others(&ask.span);
        others.all(|at| self.is_about_us(at) || contact_counts && is_contact(at))
    }

    fn has_target(&self, ask: &Ask) -> bool {
        self.others(&ask.span).any(|at| {
            let topic = self.topics.get(at);
            match ask.kind {
                AskKind::Clear => true,
                AskKind::Unclear => matches!(topic, Some(Topic::Message | Topic::List)),
                AskKind::TakeOff => matches!(topic, Some(Topic::List | Topic::Me)),
                AskKind::NoMore => matches!(topic, Some(Topic::Message)),
                AskKind::NothingMore => matches!(topic, Some(Topic::Message | Topic::Contact)),
            }
        })
    }

    /// Whether it is about calls, and about messages too: "no calls, text me".
    fn prefers_to_read(&self) -> bool {
        let mut messages =
            (0..self.words.len()).filter(|at| self.topics.get(*at) == Some(&Topic::Message));
        let is_call = |at: usize| self.is(at, &CALLS);
        (0..self.words.len()).any(is_call) && messages.any(|at| !is_call(at))
    }

    fn others(&self, span: &Range<usize>) -> impl Iterator<Item = usize> + use<'_, 'a> {
        let span = span.clone();
        (0..self.words.len()).filter(move |at| !span.contains(at))
    }

    fn is_denied(&self, span: &Range<usize>) -> bool {
        let is_refused = |at: usize| self.topics.get(at) == Some(&Topic::Refusal);
        let mut others = self.others(span);
        others.any(|at| !is_refused(at) && self.is(at, &DOUBTS)) || self.is_unwanted(span)
    }

    /// Whether it says that the person does not want to do it: "nechci zrušit odběr".
    fn is_unwanted(&self, span: &Range<usize>) -> bool {
        let before = span.start.checked_sub(1);
        before.is_some_and(|at| {
            self.is(at, &DOUBTS) && self.parts.get(at) == self.parts.get(span.start)
        })
    }

    fn is(&self, at: usize, list: &List) -> bool {
        self.words.get(at).is_some_and(|word| list.has(word))
    }

    /// Whether the first word behind these that says something of its own is about us. Whoever does not want to be called
    /// and goes on may want to be written to.
    fn is_followed_by_us(&self, span: &Range<usize>) -> bool {
        let is_call = span.clone().any(|at| self.is(at, &CALLS));
        let denies = span.clone().any(|at| self.is(at, &DOUBTS));
        let part = span.end.checked_sub(1).and_then(|at| self.parts.get(at));
        for at in span.end..self.words.len() {
            match self.topic_behind(at, denies, part) {
                Topic::Filler | Topic::Me => {}
                Topic::Now if !is_call => {}
                Topic::Refusal if !denies => {}
                Topic::List => return true,
                Topic::Message | Topic::KindOfMessage if !is_call => return true,
                Topic::Now
                | Topic::Refusal
                | Topic::Message
                | Topic::KindOfMessage
                | Topic::Contact
                | Topic::Errand
                | Topic::Other => return false,
            }
        }
        true
    }

    /// The topic of a word behind a refusal. "I do not want to stop it" is another thing than "I do not want it, stop it",
    /// and than "I do not want any messages".
    fn topic_behind(&self, at: usize, denies: bool, part: Option<&usize>) -> Topic {
        let topic = self.topics.get(at).copied().unwrap_or(Topic::Other);
        if topic != Topic::Refusal || !denies {
            topic
        } else if self.parts.get(at) != part || self.is(at, &FILLERS) {
            Topic::Filler
        } else if self.is(at, &MESSAGES) {
            Topic::Message
        } else {
            topic
        }
    }

    /// Whether all words in front of these are about us: in a short sentence, and before what names our messages, those of
    /// the same part, else all. "He is ill, please sign off" is about a lesson.
    fn is_led_by_us(&self, span: &Range<usize>) -> bool {
        let signs_off = span.clone().any(|at| self.is(at, &SIGN_OFF));
        let is_short = self.words.len() <= SHORT_SENTENCE && !signs_off;
        let of_part = is_short || ends_messages(self.words.get(span.clone()).unwrap_or_default());
        let part = self.parts.get(span.start);
        let mut before = (0..span.start).filter(|at| !of_part || self.parts.get(*at) == part);
        before.all(|at| self.is_about_us(at))
    }

    fn is_about_us(&self, at: usize) -> bool {
        self.topics
            .get(at)
            .is_some_and(|it| !matches!(it, Topic::Other | Topic::Errand | Topic::Contact))
    }
}

fn topics(words: &[&str], parts: &[usize], asks: &[Ask]) -> Vec<Topic> {
    let mut topics = vec![Topic::Other; words.len()];
    let mut set = |span: Range<usize>, topic: Topic| {
        for place in topics.get_mut(span).into_iter().flatten() {
            if *place == Topic::Other {
                *place = topic;
            }
        }
    };
    // "No" and "more" within another refusal say nothing of their own.
    let of_kind = |kind: AskKind| asks.iter().filter(move |ask| ask.kind == kind);
    for ask in of_kind(AskKind::Clear) {
        set(ask.span.clone(), Topic::Refusal);
    }
    let is_about_messages = words.iter().any(|word| MESSAGES.has(word));
    if !is_about_messages {
        for at in 0..words.len() {
            let rest = words.get(at..).unwrap_or_default();
            set(at..at + ERRANDS.longest_at(rest), Topic::Errand);
        }
    }
    let lists = [
        (MESSAGES, Topic::Message),
        (LISTS, Topic::List),
        (ME, Topic::Me),
        (POLITE, Topic::Filler),
        (FILLERS, Topic::Filler),
        (NOW, Topic::Now),
    ];
    for (at, word) in words.iter().enumerate() {
        let rest = words.get(at..).unwrap_or_default();
        for (list, topic) in &lists {
            set(at..at + list.longest_at(rest), *topic);
        }
        if word.len() >= LONG_NUMBER && word.bytes().all(|it| it.is_ascii_digit()) {
            set(at..at + 1, Topic::Filler);
        }
    }
    for ask in of_kind(AskKind::NoMore).chain(of_kind(AskKind::NothingMore)) {
        set(ask.span.clone(), Topic::Refusal);
    }
    for at in 1..words.len() {
        let is_verb = |word: &&str| TAKE_OFF.has(word) || UNCLEAR.has(word);
        let is_kind = topics.get(at) == Some(&Topic::Message)
            && parts.get(at) == parts.get(at - 1)
            && !words.get(at - 1).is_some_and(is_verb);
        if let Some(before @ Topic::Other) = topics.get_mut(at - 1)
            && is_kind
        {
            *before = Topic::KindOfMessage;
        }
    }
    for (word, topic) in words.iter().zip(&mut topics) {
        if *topic == Topic::Other && (CONTACT.has(word) || RECEIVING.has(word)) {
            *topic = Topic::Contact;
        }
    }
    topics
}

/// How many words of these ask from the first on for the end of what we send, with what says nothing between: "zrušte mi,
/// prosím, zasílání"; 0 if they do not.
pub(super) fn end_of_messages(words: &[&str]) -> usize {
    let says_nothing = |word: &&&str| {
        [FILLERS, POLITE].iter().any(|list| list.has(word)) && !WHAT_IS_ENDED.has(word)
    };
    let Some((verb, rest)) = words.split_first() else {
        return 0;
    };
    let between = rest.iter().take_while(says_nothing).count();
    let is_ended = rest.get(between).is_some_and(|it| WHAT_IS_ENDED.has(it));
    if ENDING.has(verb) && is_ended {
        between + 2
    } else {
        0
    }
}

fn ends_messages(words: &[&str]) -> bool {
    end_of_messages(words) > 0
}

/// Without the words of politeness and haste around and between: "please remove, thanks" is "remove". Who asks not to be
/// called now says more than that they are in haste.
pub(super) fn without_politeness(words: &[&str]) -> String {
    let is_call = words.iter().any(|word| CALLS.has(word));
    let mut left: Vec<&str> = Vec::new();
    let mut rest = words;
    while let [first, behind @ ..] = rest {
        let polite = POLITE.longest_at(rest);
        let now = if is_call { 0 } else { NOW.longest_at(rest) };
        rest = match rest.get(polite.max(now)..) {
            Some(others) if others.len() < rest.len() => others,
            Some(_) | None => {
                left.push(first);
                behind
            }
        };
    }
    left.join(" ")
}
