//! The words by which people ask not to be messaged any more.

use std::collections::BTreeSet;

use crate::domain::fold;

/// Lower case, without accents. A message counts if it is one of these and nothing else, so that a
/// sentence that happens to hold one ("don't stop") is no opt-out.
const USUAL: &[&str] = &[
    // English
    "stop",
    "stop all",
    "stopall",
    "stop it",
    "please stop",
    "stop please",
    "stop messaging me",
    "unsubscribe",
    "unsubscribe me",
    "cancel",
    "end",
    "quit",
    "opt out",
    "optout",
    "revoke",
    "remove me",
    "remove",
    "no more messages",
    "do not contact me",
    // Czech and Slovak
    "odhlasit",
    "odhlasit se",
    "odhlasit sa",
    "odhlaste me",
    "odhlaste ma",
    "zrusit",
    "konec",
    "koniec",
    "nepiste mi",
    "prestan",
    "prestante",
    // German
    "stopp",
    "abmelden",
    "abbestellen",
    "austragen",
    "ende",
    "aufhoren",
    "aufhoeren",
    // Spanish, Portuguese, Catalan
    "baja",
    "darse de baja",
    "darme de baja",
    "cancelar",
    "parar",
    "pare",
    "parem",
    "sair",
    "remover",
    "descadastrar",
    // French
    "arret",
    "arreter",
    "arretez",
    "desabonner",
    "desinscrire",
    "desinscription",
    "desabonnement",
    // Italian, Romanian
    "cancella",
    "cancellami",
    "disiscrivi",
    "disiscrivimi",
    "basta",
    "dezabonare",
    "opreste",
    // Polish, Croatian, Serbian, Slovenian
    "rezygnuje",
    "wypisz",
    "wypisz mnie",
    "wypisuje sie",
    "anuluj",
    "odjava",
    "prekini",
    // Dutch, Danish, Norwegian, Swedish, Finnish
    "afmelden",
    "uitschrijven",
    "afmeld",
    "frameld",
    "meld fra",
    "avmeld",
    "avregistrera",
    "avsluta",
    "slut",
    "lopeta",
    // Hungarian, Turkish
    "leiratkozas",
    "leiratkozom",
    "allj",
    "iptal",
    "dur",
    "ret",
    // Russian, Ukrainian, Bulgarian, Greek
    "стоп",
    "отписаться",
    "отпишите меня",
    "отмена",
    "відписатися",
    "скасувати",
    "отписване",
    "στοπ",
    "διακοπη",
    // Arabic, Hebrew, Chinese, Japanese, Korean
    "توقف",
    "ايقاف",
    "الغاء",
    "הסר",
    "עצור",
    "停止",
    "退订",
    "取消",
    "停止する",
    "配信停止",
    "中止",
    "중지",
    "수신거부",
];

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

    /// True if the message is one of the words and nothing else; case, accents, and signs around
    /// and between words do not count.
    pub(crate) fn matches(&self, message: &str) -> bool {
        // The longest word is far shorter; a long text need not be searched.
        if message.len() > 200 {
            return false;
        }
        let folded = fold::reply(message);
        USUAL.contains(&folded.as_str()) || self.more.contains(&folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(words.matches(message), "{message}");
        }
        for message in [
            "",
            "!!!",
            "don't stop",
            "please do not stop writing",
            "When does the bus stop?",
            "non-stop",
            "stopped",
            "yes",
        ] {
            assert!(!words.matches(message), "{message}");
        }
        assert!(!words.matches(&"stop ".repeat(100)));
    }

    #[test]
    fn every_usual_word_is_written_as_messages_are_folded() {
        for word in USUAL {
            assert_eq!(fold::reply(word), *word);
        }
    }

    #[test]
    fn further_words_come_from_the_configuration() {
        let words = OptOutWords::with(["Už dost", " "]);
        assert!(words.matches("uz DOST!"));
        assert!(words.matches("stop"));
        assert!(!words.matches(" "));
        assert!(!OptOutWords::default().matches("už dost"));
    }
}
