//! The words by which people ask not to be messaged any more.

use std::collections::BTreeSet;

use super::lists::{
    ALONE, CALLS, CONTACT, DENIED, INVITATIONS, List, MENTIONS, MESSAGES, MISSPELT, MORE,
    NEGATIONS, NO_MORE, NOT_ME, NOT_ME_ALONE, NOTHING_MORE, OPT_OUT, PERHAPS, PERHAPS_ALONE,
    SET_PHRASES, TAKE_OFF, UNCLEAR, UNSPACED,
};
use super::sentence::{
    Ask, AskKind, SHORT_SENTENCE, Sentence, end_of_messages, without_politeness,
};
use crate::domain::fold;
use crate::domain::word_list::WordList;

/// The words that opt out: the usual ones, and those of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptOutWords {
    more: BTreeSet<String>,
}

impl OptOutWords {
    /// The usual words and these.
    pub(crate) fn with<S: AsRef<str>>(more: impl IntoIterator<Item = S>) -> Self {
        let more = more.into_iter().map(|word| fold::reply(word.as_ref()));
        Self {
            more: more.filter(|word| !word.is_empty()).collect(),
        }
    }

    /// What the message asks for; case, accents, forms of letters (full width, circles, look-alikes of other scripts), and
    /// signs around and between words do not count.
    ///
    /// It opts out if it is one of the words, once or several times, or if one of its sentences begins with one or has one,
    /// and the words around it are about messages, the number, the list, or are mere politeness. Where a sentence goes on
    /// about something else ("stop by tomorrow", "nechci cukr"), is a question or denied ("don't stop"), and for words that
    /// often mean something else, a person must decide, and so must one of what is too long to be searched, and of an address
    /// of the web that has such a word. A refusal that is denied ("nechci se odhlásit") waits for a person, too.
    pub(crate) fn wish(&self, message: &str) -> OptRequest {
        let Some(left) = without_denied(message) else {
            return self.wish_but_links(message);
        };
        self.wish_but_links(&left).max(OptRequest::Doubtful)
    }

    /// What the message asks for; a refusing word in an address of the web is left to a person.
    fn wish_but_links(&self, message: &str) -> OptRequest {
        let wish = self.wish_of(message);
        let is_link = |word: &&str| word.contains("://") || word.starts_with("www.");
        if wish < OptRequest::OptOut || !message.split_whitespace().any(|word| is_link(&word)) {
            return wish;
        }
        let words = message.split_inclusive(char::is_whitespace);
        let typed: String = words.filter(|word| !is_link(word)).collect();
        self.wish_of(&typed).max(OptRequest::Doubtful)
    }

    /// What all words of the message ask for.
    fn wish_of(&self, message: &str) -> OptRequest {
        let end = message
            .char_indices()
            .nth(SEARCHED_CHARACTERS)
            .map(|(end, _)| end);
        let searched = Searched {
            text: end.map_or(message, |end| &message[..end]),
            is_whole: end.is_none(),
        };
        let folded = fold::reply(searched.text);
        let wish = self.folded_wish(&searched, &folded, fold::reply);
        let wish = wish.max(wish_by_signs(searched.text, &folded));
        let wish = if searched.is_whole {
            wish
        } else {
            wish.max(OptRequest::Doubtful)
        };
        let alike = fold::look_alikes(&folded);
        if alike == folded {
            return wish;
        }
        let fold = |text: &str| fold::look_alikes(&fold::reply(text));
        wish.max(self.folded_wish(&searched, &alike, fold))
    }

    fn folded_wish(
        &self,
        searched: &Searched<'_>,
        folded: &str,
        fold: impl Fn(&str) -> String,
    ) -> OptRequest {
        if folded.is_empty() {
            return OptRequest::None;
        }
        let words: Vec<&str> = folded.split(' ').collect();
        let alone = without_politeness(&words);
        let left = without_set_phrases(&words);
        if left.len() < words.len() {
            return self.folded_wish(searched, &left.join(" "), fold);
        }
        if self.is_refusal(folded, &alone) {
            return OptRequest::OptOut;
        }
        if MENTIONS.has(folded) {
            return OptRequest::Doubtful;
        }
        if words.iter().all(|word| self.is_one(word)) {
            return OptRequest::OptOut;
        }
        let asks = self.asks(&words);
        if !asks.is_empty() && self.has_opt_out(searched, &fold) {
            return OptRequest::OptOut;
        }
        if prefers_to_read(&words, &asks) {
            return OptRequest::None;
        }
        let short = searched.is_whole && words.len() <= SHORT_SENTENCE;
        let has = |list: &List| words.iter().any(|word| list.has(word));
        let is_unspaced = has(&UNSPACED);
        let is_clear = asks.iter().any(|ask| ask.kind == AskKind::Clear);
        if is_unspaced && short && !is_clear {
            return OptRequest::OptOut;
        }
        let is_unclear = asks.iter().any(|ask| ask.kind == AskKind::Unclear)
            || words.iter().any(|word| self.is_one(word));
        // "Please do not write to me any more", in whatever words.
        let no_more = has(&NEGATIONS) && has(&MORE);
        let may_opt_out = || {
            let parts = vec![0; words.len()];
            Sentence::new(&words, &parts, asks.clone()).may_opt_out()
        };
        if is_clear
            || is_unspaced
            || short && is_unclear
            || no_more
            || is_perhaps(folded, &alone)
            || short && (forbids_contact(&words) || words.iter().any(|word| is_misspelt(word)))
            || is_of_somebody_else(searched.text, &fold)
            || is_mere_denial(searched.text, &alone, &fold)
            || is_shouted_no(searched.text, &words)
            || may_opt_out()
        {
            OptRequest::Doubtful
        } else {
            OptRequest::None
        }
    }

    /// Whether the whole message is a refusal, in this form or without its politeness.
    fn is_refusal(&self, folded: &str, alone: &str) -> bool {
        self.is_one(folded) || self.is_one(alone) || self.is_one_apart(alone) || ALONE.has(alone)
    }

    /// Whether a sentence of it asks for no more messages.
    fn has_opt_out(&self, searched: &Searched<'_>, fold: impl Fn(&str) -> String) -> bool {
        let is_asked = searched.text.contains(['?', '？', '؟']);
        let mut sentences = searched.text.split(SENTENCE_ENDS);
        sentences.any(|sentence| {
            let folded: Vec<String> = sentence.split(PART_ENDS).map(&fold).collect();
            let of_part = folded.iter().enumerate().flat_map(|(part, folded)| {
                let words = folded.split(' ').filter(|word| !word.is_empty());
                let words = without_set_phrases(&words.collect::<Vec<_>>());
                words.into_iter().map(move |word| (word, part))
            });
            let (words, parts): (Vec<&str>, Vec<usize>) = of_part.unzip();
            let asks = self.asks(&words);
            Sentence::new(&words, &parts, asks).opts_out(is_asked)
        })
    }

    /// All words and phrases that ask for it, some of them only together with others.
    fn asks(&self, words: &[&str]) -> Vec<Ask> {
        let mut asks = Vec::new();
        for at in 0..words.len() {
            let mut push = |kind: AskKind, count: Option<usize>| {
                let span = count.filter(|count| *count > 0).map(|count| at..at + count);
                asks.extend(span.map(|span| Ask { kind, span }));
            };
            let rest = words.get(at..).unwrap_or_default();
            let (clear, unclear) = self.phrases_at(words, at);
            push(AskKind::Clear, clear);
            push(AskKind::Clear, Some(end_of_messages(rest)));
            push(AskKind::Unclear, unclear);
            push(AskKind::TakeOff, Some(TAKE_OFF.longest_at(rest)));
            push(AskKind::NoMore, Some(NO_MORE.longest_at(rest)));
            push(AskKind::NothingMore, Some(NOTHING_MORE.longest_at(rest)));
        }
        asks
    }

    /// The longest word or phrase that begins at this place and means nothing else, and the longest that may mean
    /// something else.
    fn phrases_at(&self, words: &[&str], at: usize) -> (Option<usize>, Option<usize>) {
        let rest = words.get(at..).unwrap_or_default();
        let is_about_messages = || words.iter().any(|word| MESSAGES.has(word));
        // At the beginning it counts: some write "STOP" and go on.
        let is_mention = at > 0 && MENTIONS.longest_at(rest) > 0 && !is_about_messages();
        let longest = if self.more.is_empty() {
            OPT_OUT.longest_at(rest)
        } else {
            LONGEST.min(rest.len())
        };
        let (mut clear, mut unclear) = (None, None);
        for count in (1..=longest).rev() {
            let phrase = rest.get(..count).unwrap_or_default().join(" ");
            if !self.is_one(&phrase) {
                continue;
            }
            if UNCLEAR.has(&phrase) {
                unclear = unclear.or(Some(count));
            } else if !is_mention {
                clear = clear.or(Some(count));
            }
        }
        (clear, unclear)
    }

    /// Whether it is one long word that is written apart: "un-subscribe", "ne chci".
    fn is_one_apart(&self, folded: &str) -> bool {
        let word = folded.replace(' ', "");
        word.len() >= LONG_WORD && self.is_one(&word)
    }

    fn is_one(&self, folded: &str) -> bool {
        OPT_OUT.has(folded) || self.more.contains(folded)
    }
}

/// What of a message is searched.
struct Searched<'a> {
    text: &'a str,
    /// False if the message goes on.
    is_whole: bool,
}

/// Whether it refuses calls alone, and says how to reach the person instead: "Nevolejte, napište".
fn prefers_to_read(words: &[&str], asks: &[Ask]) -> bool {
    let refused = |at: &usize| asks.iter().any(|ask| ask.span.contains(at));
    let is_of_calls = |ask: &Ask| {
        let mut words = ask.span.clone().filter_map(|at| words.get(at));
        ask.kind == AskKind::Clear && words.any(|word| CALLS.has(word))
    };
    let others = (0..words.len()).filter(|at| !refused(at));
    let others: Vec<&str> = others.filter_map(|at| words.get(at).copied()).collect();
    let folded = others.join(" ");
    asks.iter().all(is_of_calls)
        && !asks.is_empty()
        && INVITATIONS.is_in(&folded)
        && !PERHAPS.is_in(&folded)
        && !others.iter().any(|word| NEGATIONS.has(word))
}

/// Whether it has words that may ask for it, and as often mean something else.
fn is_perhaps(folded: &str, alone: &str) -> bool {
    PERHAPS.is_in(folded) || MENTIONS.is_in(folded) || PERHAPS_ALONE.has(alone)
}

/// Whether a long word was meant that refuses: one letter is wrong, missing or too much, or two have changed places.
fn is_misspelt(word: &str) -> bool {
    let meant = |it: &str| strsim::osa_distance(it, word) == 1;
    word.len() >= LONG_WORD && MISSPELT.phrases().any(meant)
}

/// Whether it says that the person is not the one of this name: "This is not Jane". A name begins with a capital letter.
fn is_of_somebody_else(text: &str, fold: impl Fn(&str) -> String) -> bool {
    let mut before = Vec::new();
    text.split_whitespace().any(|word| {
        let ends_before = |count| {
            let end: Option<&[String]> = before.get(before.len().saturating_sub(count)..);
            end.is_some_and(|end| NOT_ME.has(&end.join(" ")))
        };
        let folded = fold(word);
        // "Not Monday" names nobody.
        let is_set = |count| {
            let end: Option<&[String]> = before.get(before.len().saturating_sub(count)..);
            end.is_some_and(|end| SET_PHRASES.has(&format!("{} {folded}", end.join(" "))))
        };
        let is_denied =
            is_name(word) && (1..=LONGEST).any(ends_before) && !(1..=LONGEST).any(is_set);
        before.extend(folded.split(' ').map(str::to_owned));
        is_denied
    })
}

/// Whether it denies a name, and says nothing else: "not Bob". `alone`: its words without politeness.
fn is_mere_denial(text: &str, alone: &str, fold: impl Fn(&str) -> String) -> bool {
    let Some((no, name)) = alone.split_once(' ') else {
        return false;
    };
    let mut words = text.split_whitespace();
    NOT_ME_ALONE.has(no) && words.any(|word| is_name(word) && fold(word) == name)
}

fn is_name(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase)
}

/// Whether it is a mere "no", with several exclamation marks: the answer to a question has one, or none.
fn is_shouted_no(text: &str, words: &[&str]) -> bool {
    let marks = text.matches(['!', '！']).count();
    marks >= SHOUTED && words.iter().all(|word| NEGATIONS.has(word))
}

/// Without the refusals that are denied; `None` if there are none.
fn without_denied(message: &str) -> Option<String> {
    let mut is_denied = false;
    let ends = |sign| SENTENCE_ENDS.contains(&sign) || PART_ENDS.contains(&sign);
    let parts = message.split_inclusive(ends).map(|part| {
        let folded = fold::reply(part);
        if !DENIED.is_in(&folded) {
            return part.to_owned();
        }
        is_denied = true;
        let words: Vec<&str> = folded.split(' ').collect();
        let end = part.chars().next_back().filter(|sign| ends(*sign));
        let mut left = without_phrases(&words, &DENIED).join(" ");
        left.extend(end);
        left
    });
    let left: String = parts.collect();
    is_denied.then_some(left)
}

/// Without the phrases that refuse nothing, whatever word is in them: "non-stop".
fn without_set_phrases<'a>(words: &[&'a str]) -> Vec<&'a str> {
    without_phrases(words, &SET_PHRASES)
}

fn without_phrases<'a>(words: &[&'a str], phrases: &WordList) -> Vec<&'a str> {
    let (mut left, mut at) = (Vec::new(), 0);
    while let Some(rest @ [first, ..]) = words.get(at..) {
        let phrase = phrases.longest_at(rest);
        if phrase == 0 {
            left.push(*first);
        }
        at += phrase.max(1);
    }
    left
}

/// Whether a word such as "write" stands near one such as "not": "Nicht mehr anrufen", "Schreiben Sie mir nicht".
fn forbids_contact(words: &[&str]) -> bool {
    let places = |list: &'static WordList| {
        let places = words.iter().enumerate().filter(|(_, word)| list.has(word));
        places.map(|(at, _)| at)
    };
    places(&NEGATIONS)
        .any(|no| places(&CONTACT).any(|verb| no != verb && no.abs_diff(verb) <= NEAR))
}

/// What signs ask for. A message that is a sign for "stop" and nothing else opts out; beside words, and where a sign means
/// other things too, a person must decide.
fn wish_by_signs(message: &str, folded: &str) -> OptRequest {
    if message.contains(STOP_SIGNS) {
        if folded.is_empty() {
            OptRequest::OptOut
        } else {
            OptRequest::Doubtful
        }
    } else if folded.is_empty() && message.contains(REFUSING_SIGNS) {
        OptRequest::Doubtful
    } else {
        OptRequest::None
    }
}

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OptRequest {
    /// Nothing that has to do with opting out.
    None,
    /// Perhaps that: a person must read it.
    Doubtful,
    /// Not to be messaged any more.
    OptOut,
}

/// Signs that mean "stop" or "forbidden" and nothing else.
const STOP_SIGNS: [char; 4] = ['🛑', '🚫', '⛔', '📵'];

/// Signs of refusal that are also used for a greeting, a joke, or what somebody does not like.
const REFUSING_SIGNS: [char; 9] = ['✋', '🖐', '🤚', '👎', '❌', '✖', '🙅', '🖕', '🔕'];

/// How much of a message is searched, in characters: more than people write.
const SEARCHED_CHARACTERS: usize = 4_000;

/// What ends a sentence.
const SENTENCE_ENDS: [char; 15] = [
    '.', '!', '?', ';', '\n', '\r', '\u{2028}', '…', '。', '！', '？', '；', '؟', '।', '\u{37e}',
];

/// What ends a part of a sentence.
const PART_ENDS: [char; 9] = [',', ':', '(', ')', '–', '—', '،', '，', '、'];

/// A word that is so many words before or behind another is near it.
const NEAR: usize = 3;

/// Whoever puts so many exclamation marks behind a "no" does not just answer a question.
const SHOUTED: usize = 2;

/// A word of so many letters is no other word by accident.
const LONG_WORD: usize = 6;

/// The words of the longest phrase.
const LONGEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word_list::tests::check;

    #[test]
    fn the_usual_words_match_as_the_whole_message_in_any_case_and_with_accents() {
        let words = OptOutWords::default();
        for message in [
            "STOP",
            "Stop.",
            " stop!! ",
            "«STOP»",
            "s\u{200b}top",
            "Unsubscribe",
            "opt-out",
            "Odhlásit",
            "ODHLA\u{301}SIT",
            "Arrêt",
            "DÉSABONNER",
            "Lemondás STOP".split(' ').next_back().unwrap(),
            "стоп",
            "ΔΙΑΚΟΠΉ",
            "إلغاء",
            "退订",
            "stop 🛑",
            "ＳＴＯＰ",
            "Odhla\u{301}sit",
            "ABBESTELLEN",
            "Állj",
            "A\u{301}llj",
        ] {
            assert_eq!(words.wish(message), OptRequest::OptOut, "{message}");
        }
    }

    #[test]
    fn repeated_words_a_first_word_and_a_short_sentence_opt_out() {
        let words = OptOutWords::default();
        for message in [
            "STOP STOP",
            "ＳＴＯＰ　ＳＴＯＰ",
            "stop stop STOP!!!",
            &"stop ".repeat(100),
            "end end",
            "Please STOP messaging me",
            "Please do not contact me",
            "Stop sending me these messages, I never asked for any of them and it annoys me",
            "ok, stop",
            "nechci",
            "Nechci",
            "Už mi nepište",
            "nechci zprávy",
            "Bitte abmelden",
            "quiero darme de baja ya",
            "请退订",
            "unsubscribe me now pls",
        ] {
            assert_eq!(words.wish(message), OptRequest::OptOut, "{message}");
        }
    }

    #[test]
    fn a_refusal_in_other_words_than_stop_opts_out() {
        let words = OptOutWords::default();
        for message in [
            "do not contact",
            "Don't text me again",
            "dont contact me",
            "Take me off your list",
            "opt me out",
            "Leave me alone!",
            "S.T.O.P.",
            "unsub",
            "Bitte nicht anrufen",
            "bitte keine weiteren Nachrichten",
            "Löschen Sie meine Nummer",
            "nevolat",
            "Smažte mě",
            "usuń mój numer",
            "Per favore non mandatemi più messaggi",
            "Merci de ne plus m'envoyer",
            "No me manden más mensajes",
            "Не пишите мне больше",
            "Do not text",
            "don't contact",
            "odstraňte mě ze seznamu",
            "prosím vyřadit",
            "nepřeji si vaše zprávy",
            "Nesouhlasím",
            "Ukončit odběr",
            "退訂",
            "TU CHOI",
            "berhenti",
        ] {
            assert_eq!(words.wish(message), OptRequest::OptOut, "{message}");
        }
    }

    #[test]
    fn what_is_doubtful_is_left_to_a_person() {
        let words = OptOutWords::default();
        for message in [
            "don't stop",
            "please do not stop writing",
            "When does the bus stop?",
            "Please cancel my order",
            "I would like to know whether it is possible to stop this somehow",
            "Could you please not write to me any more",
            "Ich möchte von Ihnen wirklich keine weiteren solchen Nachrichten",
            "Prosím vás pěkně, žádné více, ne",
            "you have the wrong number",
            "máte špatné číslo",
            "falsche Nummer",
            "who gave you my number",
            "fuck you",
            "běžte do háje",
            "Nesouhlasím s cenou",
            "ukončete to",
            "blokuji vás",
        ] {
            assert_eq!(words.wish(message), OptRequest::Doubtful, "{message}");
        }
        for message in [
            "",
            "!!!",
            "stopped",
            "yes",
            "See you at the end of the week, I look forward to it",
        ] {
            assert_eq!(words.wish(message), OptRequest::None, "{message}");
        }
    }

    /// Refusals in other words than a stop, and in the languages of the lists: each is left out at once.
    const REFUSALS: &str = "
        отстаньте|Отстаньте от меня!|nie pisać|Proszę nie pisać|nie dzwonić|Leállít|leállítani|állítsák le
        Prosím o vyřazení z vaší databáze|Žádám o výmaz svého čísla|prosím o vymazání z databázy
        odczepcie się|відчепіться|hagyjanak békén|bitte um Löschung meiner Daten|non scrivere più
        lăsați-mă în pace|rahat bırakın|rot op|ostavite me na miru|get lost|cease and desist
        ne m'appelez plus|déjenme en paz|me deixem em paz|lasciatemi in pace|lämna mig ifred|älä soita
        μην ενοχλείτε|لا تتصلوا بي|תמחקו אותי|jangan chat saya|đừng làm phiền";

    /// What a person must read: it may be a refusal, and the next message waits.
    const DOUBTFUL: &str = "
        no thanks|No, thank you!|ne, děkuji|nein danke|non merci|no gracias|no grazie|nie, dziękuję|нет, спасибо
        nem köszönöm|hayır teşekkürler|nee bedankt|nej tack|ei kiitos|ne hvala|не надо|לא תודה|không cần
        wrong number|неверный номер|to nejsem já|To já nejsem.|falsch verbunden|das bin ich nicht|ce n'est pas moi
        no soy yo|não sou eu|non sono io|pomyłka|это не я|ви помилилися|nem én vagyok|ben değilim|nisam ja
        verkeerd nummer|fel nummer|väärä numero|λάθος νούμερο|رقم خطأ|זה לא אני|打错了|人違いです|salah nomor
        I did not sign up for this|I never signed up|didn't subscribe|I never gave consent
        nepřihlásil jsem se|nedala jsem vám souhlas|neregistroval jsem sa|nicht angemeldet|ohne meine Zustimmung
        je ne me suis pas inscrit|no me suscribí|non mi sono iscritto|não me inscrevi|nie zapisywałem się
        я не подписывался|не давал согласия|я не підписувався|nem iratkoztam fel|nu m-am abonat|üye olmadım
        niet aangemeld|ikke tilmeldt|inte anmält mig|en ole tilannut|לא נרשמתי|没有订阅
        odstranění z databáze|aus Ihrem Verteiler|from your database|de su base de datos|dalla lista
        proszę usunąć|вычеркните|töröljék az adatbázisból|verwijderen uit de lijst
        this is annoying|otravujete|das nervt|vous me dérangez|vaffanculo|надоели|elegem van|rahatsız etme
        schreib nicht|nicht mehr anrufen bitte|please do not phone or write|no llamar más|не звонить мне|nie proszę pisać";

    fn messages(of: &'static str) -> impl Iterator<Item = &'static str> {
        let messages = of.split(['|', '\n']).map(str::trim);
        messages.filter(|message| !message.is_empty())
    }

    #[test]
    fn a_refusal_in_whatever_language_is_heard_or_left_to_a_person() {
        let words = OptOutWords::default();
        let missed = messages(REFUSALS).filter(|it| words.wish(it) != OptRequest::OptOut);
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
        let missed = messages(DOUBTFUL).filter(|it| words.wish(it) == OptRequest::None);
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    }

    /// What people answer to a reminder, and what asks for nothing.
    const ANSWERS: &str = "
        Yes, I'll be there|see you tomorrow at 5|can you call me please|I can't come, I am ill|running 10 min late
        Thanks, got it|What time?|is parking available|not today, tomorrow please|No problem|not yet
        Děkuji, přijdu|V 10 nemůžu, šlo by to ve 12?|Zavolejte mi prosím|není mi dobře, omlouvám se|Ještě ne
        Můžu přijít v pátek?|zpráva mi nepřišla celá|je mi nevolno, nepřijdu|ďakujem, prídem|nemôžem prísť
        Danke, ich komme|Ich kann leider nicht kommen|Bitte rufen Sie mich an|Nein, um 5 Uhr|noch nicht
        Merci, je serai là|je ne peux pas venir|appelez-moi|pas de problème|Gracias, ahí estaré|no puedo ir
        no iré mañana|¿puedo retirar el pedido mañana?|llámenme por favor|obrigado, estarei lá|não posso ir
        Grazie, ci sarò|non posso venire|chiamatemi|Dziękuję, będę|nie mogę przyjść|proszę o telefon
        Спасибо, приду|не смогу прийти|позвоните мне|Когда доставка?|Дякую, буду|не зможу прийти
        köszönöm, ott leszek|nem tudok jönni|hívjon fel|mulțumesc, vin|nu pot veni|sunați-mă
        Teşekkürler, geleceğim|gelemem|beni arayın|bedankt, ik kom|ik kan niet komen|bel me nu|tack, jag kommer
        jag kan inte komma|ring mig nu|takk, jeg kommer|kiitos, tulen|en pääse tulemaan|hvala, dolazim|ne mogu doći
        שלום, אגיע|شكرا سأحضر|谢谢，我会来|行きます|네 갈게요|cảm ơn, tôi sẽ đến|terima kasih, saya datang";

    #[test]
    fn everyday_answers_are_left_to_nobody() {
        let words = OptOutWords::default();
        let heard = messages(ANSWERS).filter(|it| words.wish(it) != OptRequest::None);
        assert_eq!(heard.collect::<Vec<_>>(), [""; 0]);
    }

    /// As people of many countries type it: each of them is left out at once.
    const STOPS: &str = "
        stop|Stop!!|STOP 🛑|st0p|5top|St\u{43e}\u{301}p|SΤΟΡ|ЅТОР|stooooop|S-T-O-P|u n s u b s c r i b e|unsubscr1be
        odhlásit|zrušit|smažte mě|smazat|smažte|neposílat|vyškrtněte mě|zrušiť|odhlásenie|nechcem správy
        zatrzymaj|wypisz|rezygnuję|rezygnacja|nie wysyłajcie|usuńcie mnie
        abmelden|kündigen|keine Werbung|lass mich in Ruhe|löschen
        afmelden|uitschrijven|geen berichten meer|hou op|avmeld|avsluta|avregistrera|sluta|opfør|ophør|stopp|slutt
        meld meg av|lopeta|peruuta|älkää lähettäkö|loobu|lõpeta|stöðva|afskrá
        atsisakyti|nesiųskite|atteikties|nesūtiet
        leiratkozás|töröljenek|törölje|lemondás|ne küldjenek
        dezabonare|opriți|nu mai trimiteți
        odjavi|odjava|ukloni|prekini|одјави|престани|ne šaljite|ustavi
        ndalo|çregjistrohu
        баста стоп|отписаться|отпишите|стоп|хватит|прекратите|не беспокоить|удалите меня
        відписатися|зупинити|припиніть|досить|спыніце
        спри|отпиши|отписване|не ми пишете
        σταματήστε|διαγραφή|ΣΤΟΠ|μην στέλνετε
        durdur|iptal|mesaj atmayın|dayandır|тоқтату|to'xtating
        გაჩერდი|դադարեցրեք
        لغو|إلغاء|الغاء الاشتراك|توقف|أوقفوا|لا ترسلوا|لغو۱۱|نفرستید|بند کرو|روکو
        סטופ|הסר|הסירו אותי|הפסיקו
        बंद|बंद करो|बंद करें|रोको|मत भेजो|band karo|থামুন|বন্ধ করুন|બંધ કરો|ਬੰਦ ਕਰੋ
        நிறுத்தவும்|ఆపండి|ನಿಲ್ಲಿಸಿ|നിർത്തുക|නවත්වන්න
        หยุด|ยกเลิก|หยุดส่งข้อความ|ຢຸດ|ឈប់|ရပ်ပါ
        dừng lại|ngừng|huỷ|hủy đăng ký|từ chối|đừng gửi
        berhenti|henti|hentikan|batal|jangan kirim|itigil|huwag na
        simamisha|sitisha|jooji|አቁም
        停止|退订|退訂|取消|停止发送|不要再发|请勿打扰|拒收
        解除|配信停止|停止してください|やめて|退会|送らないでください
        중지|수신거부|수신 거부|그만|해지|그만 보내세요
        arrêtez|désabonnez-moi|stop pub|baja|darme de baja|no molestar|détén|descadastre|pare|basta|disiscrivimi|smettetela
        baixa|ieqaf|peidiwch|sispann|staak";

    #[test]
    fn a_stop_counts_in_whatever_language_and_letters_it_is_typed() {
        let words = OptOutWords::default();
        let missed = messages(STOPS).filter(|it| words.wish(it) != OptRequest::OptOut);
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_sign_for_stop_is_heard() {
        let words = OptOutWords::default();
        for message in ["🛑", " 🛑🛑🛑 ", "🚫", "⛔️", "📵", "🛑✋", "✋🛑!!"]
        {
            assert_eq!(words.wish(message), OptRequest::OptOut, "{message}");
        }
        for message in [
            "✋",
            "✋🏽",
            "👎",
            "❌",
            "🙅‍♀️",
            "🖕",
            "🔕",
            "👍🛑 ok",
            "please 🚫",
        ] {
            assert_eq!(words.wish(message), OptRequest::Doubtful, "{message}");
        }
        for message in ["👍", "❤️", "🙏", "Hi ✋", "not bad 👎 haha", "☎️"] {
            assert_eq!(words.wish(message), OptRequest::None, "{message}");
        }
    }

    #[test]
    fn a_word_that_is_about_something_else_is_left_to_a_person() {
        let words = OptOutWords::default();
        for message in [
            "I will stop by tomorrow",
            "we can stop by later",
            "can you stop the delivery",
            "Could you stop the delivery of my parcel until Monday, I am on holiday then",
        ] {
            assert_eq!(words.wish(message), OptRequest::Doubtful, "{message}");
        }
        // Whoever begins with the word, has it elsewhere too, or speaks of messages is left out at once: a stop too
        // many is better than one too few.
        for message in [
            "I will stop by, but STOP",
            "Stop. I will stop by tomorrow",
            "stop by any time",
            "stop order 123",
            "stop delivery notifications",
            "please stop the delivery of messages",
            "pls stop the order sms",
            "please stop these orders",
            "Please stop the order",
            "Nechci slevy, chci nový kus",
            "Nechci nabídky",
            "stop my order messages",
            "I don't want your discounts",
        ] {
            assert_eq!(words.wish(message), OptRequest::OptOut, "{message}");
        }
    }

    #[test]
    fn one_thing_that_is_refused_is_left_to_a_person() {
        let words = OptOutWords::default();
        for message in [
            "nechci slevu",
            "Nechci slevu, chci nový kus",
            "Nechci tu nabídku",
            "stop my order",
            "Please stop my order",
            "I don't want the discount",
            "He passed away",
            "máma zemřela",
            "My husband died",
            "Meine Mutter ist verstorben",
            "mon mari est décédé",
            "On zmarł",
            "Он умер",
            "J'en ai marre",
            "wrong number",
            "to není moje číslo",
            "Who is this? Wrong number",
        ] {
            assert_eq!(words.wish(message), OptRequest::Doubtful, "{message}");
        }
        assert_eq!(words.wish("leave me alone"), OptRequest::OptOut);
        assert_eq!(words.wish("baja por favor"), OptRequest::OptOut);
    }

    #[test]
    fn what_asks_for_nothing_waits_for_nobody() {
        let words = OptOutWords::default();
        for message in [
            "Who is this?",
            "Kdo jste?",
            "full stop.",
            "Non-stop?",
            "Nevolejte, napište",
            "Nevolejte, prosím, napište mi",
            "Bitte nicht anrufen, lieber schreiben",
        ] {
            assert_eq!(words.wish(message), OptRequest::None, "{message}");
        }
        for message in [
            "Stop texting me, full stop.",
            "non-stop spam, STOP",
            "stop, full stop",
            "nevolejte, nepište",
        ] {
            assert_eq!(words.wish(message), OptRequest::OptOut, "{message}");
        }
        for message in [
            "nevolejte, nepište a napište si někomu jinému",
            "Nevolejte, napište, jste otravní",
            "do not call, text or write",
        ] {
            assert_ne!(words.wish(message), OptRequest::None, "{message}");
        }
    }

    /// Refusals with their forms: each is left out at once.
    const FORMS: &str = "
        СТОР|CTOП|CTOP|ctop!
        ÇIKIŞ|Çık|çıkmak istiyorum|beni listeden çıkarın|beni listeden çıkarınız|listeden çıkmak istiyorum|Listeden sil
        kayıt sil|Kaydımı silin|kaydımı siliniz|reddediyorum|reddediyoruz|İzin vermiyorum|izin vermiyoruz
        Onayımı geri çekiyorum|iznimi geri çekiyorum|bana bir daha mesaj göndermeyiniz|lütfen aramayınız|lütfen yazmayınız
        Merhaba, lütfen bana bir daha mesaj göndermeyiniz|istemiyorum|reklam istemiyorum|mesajlarınızı almak istemiyorum
        aboneliği iptal et|aboneliğimi iptal edin|iptal et|iptal edin lütfen|üyelikten çıkmak istiyorum
        Widerruf|ich widerrufe|Hiermit widerrufe ich meine Einwilligung|Einwilligung widerrufen|ich widerrufe die Zustimmung
        Bitte unterlassen Sie weitere Nachrichten|unterlasst bitte weitere SMS|Unterlassen Sie das|melden Sie mich ab
        Bitte melden Sie mich ab|meldet uns ab|Schluss jetzt|Bitte Nummer löschen|Löschen Sie meine Daten
        Bitte streichen Sie mich von der Liste|Nehmen Sie mich von der Liste|bitte löschen|Werbung stoppen|keine Anrufe
        plus de messages|plus de sms svp|Plus de publicité|Veuillez me retirer de votre liste|effacez mon numéro
        efface mon numéro s'il te plaît|je n'en veux plus|nous n'en voulons plus|désabo|Ça suffit|je veux plus de vos messages
        je ne veux plus de messages|Je ne souhaite plus recevoir vos messages|Je me désabonne|Supprimez mes données
        cessez de m'envoyer des messages|supprimez mon numéro|pas de publicité
        Vorrei cancellarmi|cancellare|Revoco|revoca consenso|revoco il mio consenso|eliminatemi|eliminami
        Eliminate il mio numero|cancellate il mio numero|Toglimi|toglimi dalla lista|niente pubblicità|niente più messaggi
        fermati|fermatevi|basta sms|Non voglio pubblicità|non voglio messaggi|non disturbatemi
        Dejen de mandar mensajes|deje de escribirme|dejen de molestarme|Paren|SALIR|salir por favor|sin publicidad
        No quiero publicidad|eliminen mi número|Eliminar mis datos|Sáquenme de la lista|Baja por favor|alto por favor
        borrar mi número|Cancelar suscripción|ya no quiero más mensajes
        odwołuję zgodę|odwołujemy zgodę|zrezygnuj|proszę o niewysyłanie więcej wiadomości|Dosyć|anuluj subskrypcję
        Dzień dobry, proszę o niewysyłanie więcej wiadomości.|nie chcę reklam|Proszę usunąć mój numer|cofam moją zgodę
        Nechci žádné zprávy|Schreiben Sie mir nicht mehr|Non mandatemi più niente|Žádám o výmaz osobních údajů
        stáhnout souhlas|stahuji svůj souhlas|prosím už žádné sms|stačilo|už stačilo|Deaktivovat|deaktivujte|vypnout|vypněte
        o vaše nabídky nestojím|nestojíme o vaše SMS|Odhlašuji se|odhlas|Odhlas mě|zrušte zasílání|Zrušte mi zasílání
        Dobrý den, prosím vyřaďte mě z databáze. Děkuji|Dobrý den,\u{2028}nepište mi už prosím|stiahnite môj súhlas
        відмовляюся від розсилки|відмовляємося від розсилки|приберіть мене|приберіть мій номер|годі|Годі!|дайте спокій
        не хочу отримувати повідомлення|не треба писати|довольно|уберите меня из базы|Прошу исключить меня из рассылки
        Виключіть мене з розсилки|отзываю своё согласие|не хочу получать ваши сообщения
        Take my number off|take our number off your list|kindly refrain from sending me further messages
        Good morning, kindly refrain from sending me further messages|Please remove|Please delete me from your database
        I do not wish to receive these messages|revoke consent|delete my data|erase my number|no further messages please
        Hello,\u{2028}please stop sending me these.\u{2028}Thanks|STOP\u{2028}Jana Nováková
        Dobrý den,\u{2028}\u{2028}děkuji za zprávu, ale prosím již mi další zprávy neposílejte.\u{2028}\u{2028}S pozdravem\u{2028}Jan";

    /// What refuses, and may mean something else: it waits for a person.
    const WAITING: &str = "
        Red|RED|engelle|yeter artık|ich will das nicht|wir wollen das nicht|nerv nicht|Genug|Pas intéressée|pas intéressés
        Non sono interessata|Non sono interessato|non siamo interessati|No estoy interesado|No estoy interesada
        no estamos interesados|brak zainteresowania|wystarczy|nie jestem zainteresowana|bez zájmu|Už dost|Dost!|už ne
        nahlásím vás na ÚOOÚ|nahlásíme vás|Budu si stěžovat|Nestojím o to|zablokovat|jděte někam|kde jste vzali moje číslo?
        спам|не интересно|мне это не интересно|помилка номером|How did you get my number?|¿De dónde sacaron mi número?
        Chi le ha dato il mio numero|Skąd macie mój numer|Nope|plus jamais|vazgeç";

    /// What people answer who want something else, with a word that refuses.
    const ABOUT_SOMETHING_ELSE: &str = "
        Nechci cukr|Nechci čekat, přijdu dnes|Nechci to zrušit|Nechci rušit, jen se ptám|nechci to bez cibule
        nepište to na fakturu|nevolejte dnes, mám schůzku|Nevolejte, přijdu sám|smažte prosím tu položku|odhlásit oběd
        Odhlašuji oběd na zítra|nevolejte teď|nechci zrušit odběr|nechci čekat na vaši zprávu|oběd odhlásit|zrušte termín
        nevolejte, pošlete SMS|nevolejte, pište|stop, špatná adresa, bydlím jinde
        Ich kündige meinen Besuch an|Stopp, bin umgezogen, neue Adresse|Bitte Termin löschen|Widerruf meiner Bestellung?
        Bitte nicht anrufen, lieber schreiben|Bestellung widerrufen|unterlassen Sie das Klingeln
        j'arrête à 17h|stop au feu rouge puis à droite|annuler ma commande|ça suffit pour deux|effacez la commande
        stop by tomorrow|Stop by tomorrow please|stop at the second door|Stop sign road 5|STOP & SHOP?|unsubscribed from gym but keep this
        Please remove the onions|Don't call now|don't call me, text me|cancel it please|delete the order|No more onions please
        Please don't stop texting me|stop calling, send sms|don't call, sms only|do not send it today|No messages yet|
        mi basta un sms|Basta un messaggio|Mein Sohn ist krank, bitte abmelden|Termin bitte abmelden|Odhlaste mě z kurzu|
        darme de baja del gimnasio|Wypisz mnie z zajęć w piątek|neposílejte to dnes|
        Can you stop sending the menu?|remove it for me please
        cancella l'appuntamento di lunedì|eliminate la cipolla|toglimi la cipolla|revoco l'ordine
        cancelar mi pedido|dejen de poner cebolla|eliminen la cebolla|salir a las 5|¿A qué hora salen?|sin cebolla
        nie pisz na drzwiach|anuluj wizytę|wystarczy jutro|nie chcę cukru|zrezygnuj z cebuli|dość dobrze
        скасувати запис на п'ятницю|не дзвоніть, я на нараді, пишіть|видаліть цибулю|приберіть столик|не надо лук
        aramayın toplantıdayım, yazın|siparişi iptal et|soğan istemiyorum|Çıkışta gelirim|Çıkış nerede|listeden soğanı çıkarın";

    #[test]
    fn a_refusal_counts_in_all_its_forms() {
        let words = OptOutWords::default();
        let missed = messages(FORMS).filter(|it| words.wish(it) != OptRequest::OptOut);
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
        let missed = messages(WAITING).filter(|it| words.wish(it) != OptRequest::Doubtful);
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    }

    /// Refusals whose words stand apart, beside courtesy, or are written apart: each is left out at once.
    const APART: &str = "
        le akarok iratkozni|Le szeretnék iratkozni|Le szeretnék iratkozni a listáról|iratkozzanak le|ki akarok iratkozni
        kiiratkozom|le is akarok iratkozni|nem kérek|Nem kérek, köszönöm|nem kérek többet|nem kérünk többet|nem kérek ilyet
        ne zaklassanak|ne zaklass|ne keressenek|nem járulok hozzá|hagyd abba|hagyjátok abba|kérem fejezzék be|húzzanak le
        nem szeretnék ilyen üzeneteket|le szeretném mondani az üzeneteket|kérem szüntessék be az üzeneteket
        Bitte schicken Sie mir nichts mehr|Bitte nichts mehr senden|Schickt mir nichts mehr|Mir bitte nichts mehr schreiben
        mir nichts mehr schicken|Schreibt nie wieder|nichts mehr zusenden bitte|ich möchte nichts mehr von Ihnen hören
        bitte rausnehmen|bitte mich rausnehmen|nehmt mich da raus|hören Sie bitte auf|stuur me alsjeblieft niets meer
        graag niets meer sturen|ik wil niets meer ontvangen|haal me eraf|hou ermee op|nu îmi mai scrieți|vă rog să încetați
        vă rog să nu îmi mai scrieți|scoateți-mă din listă|proszę przestać|proszę o zaprzestanie|żądam zaprzestania
        chcę zrezygnować|wyłączcie to|proszę wyrejestrujcie mnie|veuillez me retirer (de votre liste)|veuillez me retirer
        merci de m'enlever|je souhaite être retiré|veuillez cesser|je m'oppose|n'envoyez rien|depennatemi|mi depenni
        finitela|mi oppongo|retírenme|no me vuelvan a escribir|olviden mi número|no deseo recibir|заберіть мій номер
        заберіть мене зі списку|не даю згоди|вистачить писати|снимите меня с рассылки|забудьте про меня|хорош писать
        dejte mě pryč|dejte mě z toho seznamu|vynechte mě|dajte ma preč|neželám si|už žádné smsky|ne chci|ne psat
        un-subscribe|un subscribe|please un-subscribe me|out|OUT!|mute|terminate|please terminate this|discontinue
        disable|deactivate|off|count me out|turn these off|drop my number|do not use this number";

    /// What a person must read, as its words, or a slip of a finger, may mean a refusal.
    const UNSURE: &str = "
        stačí|stačí, díky|to stačí|už toho mám dost|mám toho dosť|mám vás dost|j'en ai assez|es reicht|reicht jetzt
        genoeg|destul|suficiente|достаточно|вистачить|decline|I decline|I'm out|knock it off|odlasit|odhlsit|odhlasti
        prosím odlášit|unsubsrcibe me pls|unsubscibe|desincription|this is not Jane|This isn't Bob|I'm not John
        I am not Jane|Nejsem Jana|nejsem pan Novák|To není Jana|Nem vagyok Anna|ich bin nicht Anna|je ne suis pas Anne
        no soy Juan|non sono Anna|to nie Jan|nie jestem Anną|я не Анна|это не Анна|ik ben niet Anna|nu sunt Ana
        už k vám nechodím|nejsem váš zákazník|už nejsem vaše klientka|nie som váš zákazník|nie jestem waszym klientem
        bin kein Kunde mehr|ich bin nicht Ihr Kunde|je ne suis pas votre client|no soy su cliente|ik ben geen klant
        non sono un vostro cliente|я не ваш клиент|я не ваш клієнт|nem vagyok az ügyfelük|no longer a customer
        nu sunt client|nu doresc|abyste mi už nepsali|letiltom|többet ne|je mi líto, abyste mi nevolali|зупинка стоп
        gata|Gata!|sto|sotp|para|Para, por favor|NE!!!|NO!!|Nein!!!|not Bob|Not Bob, sorry|nicht Anna|pas Marie
        Ich will nichts mehr von euch|Bitte schicken Sie meinem Mann nichts mehr|odhlásit oběd|cancel my order";

    /// What people answer with words like those, and refuse nothing.
    const UNLIKE: &str = "
        konec srpna mi vyhovuje|do konce týdne přijdu|koniec augusta mi vyhovuje|koniec miesiąca mi pasuje|Ende August passt mir
        bis Ende der Woche|end of August works for me|fin août me convient|fin de mes me va bien|dost dobrý|enough time
        stačí mi to ve středu|stačí SMS|dejte mě na pátek|dejte mi vědět|nic mi nepřišlo|Anmelden|objednat|nejsem doma
        Nejsem si jistý|to není problém|I'm not sure|this is not urgent|this is not a problem|out of stock|I'll find out
        I am out of town|take out please|drop me off at 5|count me in|day off|es reicht bis Montag|noch nichts gehört
        schicken Sie mir die Adresse|nichts zu danken|le tudok menni|fel szeretnék iratkozni|be szeretnék iratkozni
        le szeretném mondani az időpontot|nem kérek cukrot|nem vagyok otthon|заберіть мене о 5|на зупинці|зупинка метро
        заберите меня в 5|это не проблема|niets meer gehoord|ik heb niets ontvangen|nada más, gracias|voglio uscire alle 5
        This is not Monday|it isn't Friday|not Monday|Not Tuesday, please|nejsem z Prahy|Ne!|No!|not sure|para mañana|gata comanda
        je passe retirer mon colis|chcę zmienić termin|proszę napisać|haal het pakket morgen|nu sunt acasă";

    #[test]
    fn a_refusal_counts_wherever_its_words_stand() {
        let words = OptOutWords::default();
        for (replies, wish) in [
            (APART, OptRequest::OptOut),
            (UNSURE, OptRequest::Doubtful),
            (UNLIKE, OptRequest::None),
        ] {
            let missed = messages(replies).filter(|it| words.wish(it) != wish);
            assert_eq!(missed.collect::<Vec<_>>(), [""; 0], "{wish:?}");
        }
    }

    #[test]
    fn a_refusing_word_that_goes_on_about_something_else_leaves_nobody_out() {
        let words = OptOutWords::default();
        let heard =
            messages(ABOUT_SOMETHING_ELSE).filter(|it| words.wish(it) == OptRequest::OptOut);
        assert_eq!(heard.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn harmless_answers_leave_nobody_out() {
        let words = OptOutWords::default();
        for message in [
            "ok",
            "OK!",
            "yes",
            "no",
            "thanks",
            "done",
            "ano děkuji",
            "kolik to stojí",
            "hotovo",
            "v pořádku",
            "kdy přijde zásilka",
            "ja bitte",
            "gracias",
            "sí, claro",
            "dakujem",
            "merci beaucoup",
            "d'accord",
            "tak, dziękuję",
            "да",
            "хорошо, спасибо",
            "так, дякую",
            "ναι",
            "ευχαριστώ",
            "tamam",
            "teşekkürler",
            "نعم",
            "שכרון",
            "תודה",
            "हाँ",
            "धन्यवाद",
            "ใช่",
            "ขอบคุณ",
            "vâng",
            "terima kasih",
            "好的",
            "谢谢",
            "はい",
            "ありがとうございます",
            "네",
            "감사합니다",
            "2",
            "10:30",
            "100 stk",
            "+420 777 123 456",
            "hvala",
            "igen",
            "köszönöm",
            "mulțumesc",
            "kiitos",
            "aitäh",
            "paldies",
            "ačiū",
            "dank je",
            "tack",
            "takk",
            "obrigado",
        ] {
            assert_eq!(words.wish(message), OptRequest::None, "{message}");
        }
        for message in [
            "can I cancel my order for tomorrow?",
            "Đúng",
            "acha",
            "seis",
            "可以取消我明天的订单吗？",
            "내일 예약 취소할 수 있나요?",
            "Chtěl bych zrušit objednávku",
            "Where is the bus stop?",
        ] {
            assert_ne!(words.wish(message), OptRequest::OptOut, "{message}");
        }
    }

    #[test]
    fn who_asks_for_the_end_of_what_is_sent_is_left_out_whatever_else_they_say() {
        let words = OptOutWords::default();
        let nouns = "zrušení|pozastavení|zastavení|ukončení|přerušení|vypnutí";
        let sent = "zasílání|posílání|rozesílání|zasílání zpráv|zasílání SMS|zasílání těchto zpráv|zasílání reklam
            zasílání obchodních sdělení|těchto zpráv|SMS zpráv|upozornění|notifikací|reklam|všech SMS|odběru|newsletteru";
        let wrapped = |asked: &str| {
            [
                format!("Dobrý den, {asked}."),
                format!("Dobrý den,\n{asked}.\nS pozdravem\nJan Novák"),
                format!("Prodal jsem auto, {asked}."),
                format!("Díky za info, ale {asked}"),
                format!("Dobrý den, termín platí, ale {asked}."),
                format!("Už u vás nejsem zákazník, {asked}!!! 😡"),
            ]
        };
        let asked = messages(nouns).flat_map(|noun| messages(sent).map(move |it| (noun, it)));
        let asked = asked.map(|(noun, it)| format!("prosím o {noun} {it}"));
        let also = messages(
            "prosím zrušte mi zasílání SMS|chtěla bych zrušit zasílání|zrušte prosím zasílání|pozastavte zasílání SMS
            Prosím o zrušenie zasielania|prosím o zrušenie zasielania SMS|žiadam o ukončenie zasielania správ
            prosím o pozastavenie posielania|prosím o zrušenie týchto správ|zrušte mi prosím zasielanie SMS
            žádám o zrušení zasílání|prosím o ukončení veškerého zasílání zpráv",
        );
        let asked = asked.chain(also.map(str::to_owned));
        let missed = asked.flat_map(|it| wrapped(&it));
        let missed = missed.filter(|it| words.wish(it) != OptRequest::OptOut);
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
        let of_something_else = "
            Prosím o zrušení zasílání faktur poštou|Prosím o zrušení objednávky|Dá se zrušit zasílání?
            Nechci zrušit zasílání|Prosím o zrušení rezervace|Prosím o pozastavení členství";
        let heard = messages(of_something_else).filter(|it| words.wish(it) == OptRequest::OptOut);
        assert_eq!(heard.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_refusal_that_is_denied_waits_for_a_person() {
        let words = OptOutWords::default();
        let denied = "
            Nechci se odhlásit|Nechci odhlásit|Nechci se odhlásit!|Dobrý den, nechci se odhlásit|Nechcem sa odhlásiť
            I don't want to unsubscribe|I dont want to opt out|I do not wish to unsubscribe|I don't want to stop
            I don't want to stop receiving messages|Hören Sie nicht auf|Bitte hören Sie nicht auf|nechceme se odhlásit
            Nechci zmeškat akci|Nechci zmeškat zprávy|Nechci propásnout akci|Nechci prošvihnout akci|Nechci tu akci zmeškat
            Nechci žádnou akci zmeškat|Nie chcę się wypisać|Je ne veux pas me désabonner|No quiero darme de baja
            не хочу отписываться|Nem akarok leiratkozni|Nechci přijít o žádné SMS|Nechci zmeškat žádné zprávy";
        let other = messages(denied).filter(|it| words.wish(it) != OptRequest::Doubtful);
        assert_eq!(other.collect::<Vec<_>>(), [""; 0]);
        // What is asked for beside it counts.
        let asked = "
            Nechci, odhlásit|Nechci! Odhlásit!|Nechci se odhlásit, už mi vůbec nepište
            I don't want this, unsubscribe|I don't want to miss it again. STOP|nechci zprávy, odhlásit";
        let missed = messages(asked).filter(|it| words.wish(it) != OptRequest::OptOut);
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn every_usual_word_is_written_as_messages_are_folded() {
        check(
            include_str!("words.txt"),
            include_str!("lists.rs"),
            fold::reply,
        );
    }

    #[test]
    fn further_words_come_from_the_configuration() {
        let words = OptOutWords::with(["Už je to moc", " "]);
        assert_eq!(words.wish("uz JE to moc!"), OptRequest::OptOut);
        assert_eq!(words.wish("stop"), OptRequest::OptOut);
        assert_eq!(words.wish(" "), OptRequest::None);
        assert_eq!(
            OptOutWords::default().wish("už je to moc"),
            OptRequest::None
        );
    }

    #[test]
    fn a_long_message_is_searched_to_its_end_and_what_is_longer_waits() {
        let complaint = "I ordered a lamp in May and it came late. ".repeat(40);
        let wish = |text: &str| OptOutWords::default().wish(text);
        assert_eq!(wish(&complaint), OptRequest::None);
        let refuses = format!("{complaint} Please stop sending me these messages.");
        assert_eq!(wish(&refuses), OptRequest::OptOut);
        let too_long = complaint.repeat(4);
        assert_eq!(wish(&too_long), OptRequest::Doubtful);
    }

    #[test]
    fn a_refusing_word_within_a_link_is_left_to_a_person() {
        for (message, wish) in [
            ("https://example.com/stop", OptRequest::Doubtful),
            ("www.example.com/stop", OptRequest::Doubtful),
            (
                "Thanks\nhttps://example.com/unsubscribe",
                OptRequest::Doubtful,
            ),
            ("STOP https://example.com/stop", OptRequest::OptOut),
            ("https://example.com/terms\nStop", OptRequest::OptOut),
            ("https://example.com/shop", OptRequest::None),
        ] {
            assert_eq!(OptOutWords::default().wish(message), wish, "{message}");
        }
    }

    #[test]
    fn refusals_without_a_word_for_the_end_are_heard() {
        for (message, wish) in [
            ("no offers please", OptRequest::OptOut),
            ("I'm opting out", OptRequest::OptOut),
            ("Nedávám souhlas", OptRequest::OptOut),
            ("You do not have my consent", OptRequest::OptOut),
            ("DND", OptRequest::OptOut),
            ("Ich stimme nicht zu", OptRequest::OptOut),
            ("Abo beenden", OptRequest::OptOut),
            ("tiltakozom", OptRequest::OptOut),
            ("забороняю", OptRequest::OptOut),
            ("dtop", OptRequest::Doubtful),
            ("відпісатися", OptRequest::Doubtful),
            ("Dá se to nějak vypnout?", OptRequest::Doubtful),
            ("Wie kann ich mich anmelden?", OptRequest::None),
            ("Ten kurz bych rád dokončil", OptRequest::None),
        ] {
            assert_eq!(OptOutWords::default().wish(message), wish, "{message}");
        }
    }
}
