//! Numbering plans that changed: the old form of a number, and the new one that follows from it.
//!
//! Lists, contacts of the API and suppression lists hold numbers from before such a change. The old and
//! the new form are one person, so every [`PhoneNumber`](super::PhoneNumber) is made in the new form.
//!
//! A change stands here only where the new number follows from the old one with certainty, and where a
//! source says so. It is applied only if the engine calls the new number valid. Changes before 2009 are
//! left out, and those whose new digits depend on more than the old number.

use super::engine;

/// Old and new form, each with its calling code. `#` is a digit that stays, in its order.
type Change = (&'static str, &'static str);

/// The changes of one country.
struct Plan {
    /// The calling codes that its old numbers begin with.
    codes: &'static [u16],
    /// The engine still calls the old numbers valid. Elsewhere an old form that is a number of today is left as it
    /// is: it may be somebody else's.
    still_listed: bool,
    changes: &'static [Change],
}

/// The longest number, in digits (ITU-T E.164, 6.2.1).
const MAX_DIGITS: usize = 15;

/// The new form of a number in an old one; `None` for any other number.
pub(super) fn renewed(number: u64) -> Option<u64> {
    let digits = Digits::of(number);
    let heads = digits.heads();
    let begins = |plan: &&Plan| plan.codes.iter().any(|code| heads.contains(code));
    let plan = PLANS.iter().find(begins)?;
    plan.changes
        .iter()
        .find_map(|(old, new)| digits.carried(old, new))
        .filter(|_| plan.still_listed || engine::line_type(number).is_none())
        .filter(|new| engine::line_type(*new).is_some())
}

/// The old forms of a number, for what was stored before its plan changed, or before this table knew it.
pub(super) fn former(number: u64) -> impl Iterator<Item = u64> {
    let digits = Digits::of(number);
    PLANS
        .iter()
        .flat_map(|plan| plan.changes)
        .filter_map(move |(old, new)| digits.carried(new, old))
        .filter(move |old| renewed(*old) == Some(number))
}

/// A number as its digits.
#[derive(Clone, Copy)]
struct Digits {
    digits: [u8; MAX_DIGITS],
    length: usize,
}

impl Digits {
    fn of(number: u64) -> Self {
        let mut digits = [b'0'; MAX_DIGITS];
        let length = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        let mut rest = number;
        for digit in digits.iter_mut().take(length).rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        Self {
            digits,
            length: length.min(MAX_DIGITS),
        }
    }

    fn get(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or(&self.digits)
    }

    /// The first digit, the first two, and the first three: a calling code is one of them.
    fn heads(&self) -> [u16; 3] {
        let mut digits = self.digits.iter().map(|digit| u16::from(digit - b'0'));
        let mut head = 0;
        [(); 3].map(|()| {
            head = head * 10 + digits.next().unwrap_or(0);
            head
        })
    }

    /// The number in the form `to`, if it has the form `from`.
    fn carried(&self, from: &str, to: &str) -> Option<u64> {
        let digits = self.get();
        let mut pairs = from.bytes().zip(digits);
        if from.len() != digits.len() || !pairs.all(|(form, digit)| form == b'#' || form == *digit)
        {
            return None;
        }
        let kept = from.bytes().zip(digits).filter(|(form, _)| *form == b'#');
        let mut kept = kept.map(|(_, digit)| *digit);
        to.bytes().try_fold(0_u64, |number, form| {
            let digit = if form == b'#' { kept.next()? } else { form };
            Some(number * 10 + u64::from(digit - b'0'))
        })
    }
}

const PLANS: [Plan; 22] = [
    BENIN,
    BRAZIL,
    CAMEROON,
    CHILE,
    COLOMBIA,
    COTE_D_IVOIRE,
    ECUADOR,
    EGYPT,
    EQUATORIAL_GUINEA,
    ESWATINI,
    GABON,
    GEORGIA,
    GUINEA_BISSAU,
    KOSOVO,
    MAURITIUS,
    MEXICO,
    MOROCCO,
    QATAR,
    SAUDI_ARABIA,
    SINT_MAARTEN,
    TIMOR_LESTE,
    VIETNAM,
];

/// 30 November 2024: 01 before each of the numbers of eight digits. Source: ARCEP Bénin; AllAfrica,
/// 30 November 2024.
const BENIN: Plan = Plan {
    codes: &[229],
    still_listed: false,
    changes: &[("229########", "22901########")],
};

/// 29 July 2012 to the end of 2016: a ninth digit, 9, before mobile numbers, behind the area code. Those
/// that begin with 7 are left out, because trunked radio (SME) kept eight digits there. Source: Anatel,
/// Resolution 553 of 14 December 2010; communication to the ITU of 6 February 2013.
const BRAZIL: Plan = Plan {
    codes: &[55],
    still_listed: false,
    changes: &[
        ("55##6#######", "55##96#######"),
        ("55##8#######", "55##98#######"),
        ("55##9#######", "55##99#######"),
    ],
};

/// 21 November 2014: 6 before mobile numbers, which began with 7 or 9 (and 66 of Nexttel). Fixed lines are
/// left out: some of them got another area code as well. Source: ART and the ministry of posts and
/// telecommunications, announced on 25 September 2014.
const CAMEROON: Plan = Plan {
    codes: &[237],
    still_listed: false,
    changes: &[
        ("23766######", "237666######"),
        ("2377#######", "23767#######"),
        ("2379#######", "23769#######"),
    ],
};

/// 20 October 2012 to 6 July 2013: 2 before the number of a fixed line, behind the area code. Source:
/// Subtel, communication to the ITU of 2 July 2014, with the list of area codes. Those of Valparaíso (32)
/// and Concepción (41) had it before.
const CHILE: Plan = Plan {
    codes: &[56],
    still_listed: false,
    changes: &[
        ("562#######", "5622#######"),
        ("5633######", "56332######"),
        ("5634######", "56342######"),
        ("5635######", "56352######"),
        ("5642######", "56422######"),
        ("5643######", "56432######"),
        ("5645######", "56452######"),
        ("5651######", "56512######"),
        ("5652######", "56522######"),
        ("5653######", "56532######"),
        ("5655######", "56552######"),
        ("5657######", "56572######"),
        ("5658######", "56582######"),
        ("5661######", "56612######"),
        ("5663######", "56632######"),
        ("5664######", "56642######"),
        ("5665######", "56652######"),
        ("5667######", "56672######"),
        ("5671######", "56712######"),
        ("5672######", "56722######"),
        ("5673######", "56732######"),
        ("5675######", "56752######"),
    ],
};

/// 1 September 2021: 60 before the area code of fixed lines. Source: CRC, resolution 5826 of 2019.
const COLOMBIA: Plan = Plan {
    codes: &[57],
    still_listed: false,
    changes: &[
        ("571#######", "57601#######"),
        ("572#######", "57602#######"),
        ("574#######", "57604#######"),
        ("575#######", "57605#######"),
        ("576#######", "57606#######"),
        ("577#######", "57607#######"),
        ("578#######", "57608#######"),
    ],
};

/// 31 January 2021: two digits of the operator before the number, 01 (Moov), 05 (MTN) or 07 (Orange) for
/// mobiles, 21, 25 or 27 for fixed lines. The operator of a mobile is in its second digit (0 to 3, 4 to 6,
/// 7 to 9), that of a fixed line in its third (8 in Abidjan, 0, any other). Source: ARTCI, announced on 28
/// July 2020; the digits as the converters for address books of that time have them.
const COTE_D_IVOIRE: Plan = Plan {
    codes: &[225],
    still_listed: false,
    changes: &[
        ("2252#8#####", "225212#8#####"),
        ("2252#0#####", "225252#0#####"),
        ("2253#0#####", "225253#0#####"),
        ("2252#2#####", "225272#2#####"),
        ("2252#3#####", "225272#3#####"),
        ("2252#4#####", "225272#4#####"),
        ("2252#5#####", "225272#5#####"),
        ("2252#7#####", "225272#7#####"),
        ("2253#6#####", "225273#6#####"),
        ("2253#7#####", "225273#7#####"),
        ("2253#9#####", "225273#9#####"),
        ("225#0######", "22501#0######"),
        ("225#1######", "22501#1######"),
        ("225#2######", "22501#2######"),
        ("225#3######", "22501#3######"),
        ("225#4######", "22505#4######"),
        ("225#5######", "22505#5######"),
        ("225#6######", "22505#6######"),
        ("225#7######", "22507#7######"),
        ("225#8######", "22507#8######"),
        ("225#9######", "22507#9######"),
    ],
};

/// 30 September 2012: 9 before mobile numbers, which began with 8 or 9. Source: Conatel, as told to the
/// public in September 2012.
const ECUADOR: Plan = Plan {
    codes: &[593],
    still_listed: false,
    changes: &[
        ("5938#######", "59398#######"),
        ("5939#######", "59399#######"),
    ],
};

/// 6 October 2011: a digit of the operator behind the first two of a mobile number: 0 (Vodafone), 1 (Etisalat) or
/// 2 (Mobinil). Numbers with 0150, 0151 and 0152 are left out: 015 is another operator's today. Source: NTRA,
/// announced in September 2011, with the table.
const EGYPT: Plan = Plan {
    codes: &[20],
    still_listed: false,
    changes: &[
        ("2010#######", "20100#######"),
        ("2016#######", "20106#######"),
        ("2019#######", "20109#######"),
        ("2011#######", "20111#######"),
        ("2014#######", "20114#######"),
        ("2012#######", "20122#######"),
        ("2017#######", "20127#######"),
        ("2018#######", "20128#######"),
    ],
};

/// 9 April 2010: 222 before mobile numbers of six digits, 333 before most fixed ones. Source: ORTEL, communication
/// to the ITU of 4 May 2010.
const EQUATORIAL_GUINEA: Plan = Plan {
    codes: &[240],
    still_listed: false,
    changes: &[
        ("2402#####", "2402222#####"),
        ("2405#####", "2402225#####"),
        ("24007####", "24033307####"),
        ("24008####", "24033308####"),
        ("24009####", "24033309####"),
    ],
};

/// 1 March 2010 (mobiles) and 1 February 2011 (fixed lines): 7 before mobile numbers, 2 before fixed ones.
/// Source: SPTC, communication to the ITU of 30 September 2010.
const ESWATINI: Plan = Plan {
    codes: &[268],
    still_listed: false,
    changes: &[
        ("2682######", "26822######"),
        ("2683######", "26823######"),
        ("2684######", "26824######"),
        ("2685######", "26825######"),
        ("2686######", "26876######"),
    ],
};

/// 15 November 2019, the old numbers ended on 6 April 2024: the zero behind +241 is gone, and 1 (fixed), 6
/// (Gabon Telecom) or 7 (Airtel) stands in its place: 01 is 11, 02 is 62, 05 is 65, 06 is 66, 04 is 74, 07
/// is 77. The engine still calls the old form valid, and that without its zero. Source: ARCEP Gabon, 3 June
/// 2019 and 29 February 2024.
const GABON: Plan = Plan {
    codes: &[241],
    still_listed: true,
    changes: &[
        ("24101######", "24111######"),
        ("24102######", "24162######"),
        ("24104######", "24174######"),
        ("24105######", "24165######"),
        ("24106######", "24166######"),
        ("24107######", "24177######"),
        ("2412######", "24162######"),
        ("2414######", "24174######"),
        ("2415######", "24165######"),
        ("2416######", "24166######"),
        ("2417######", "24177######"),
    ],
};

/// 4 June 2011 (Tbilisi) and 20 June 2011 (mobiles): 2 before the numbers of the capital, 5 before the prefixes of
/// mobile operators. Only the prefixes that the sources name are here, because those of fixed wireless lines got a
/// 7. Source: GNCC, communication to the ITU of 22 December 2010.
const GEORGIA: Plan = Plan {
    codes: &[995],
    still_listed: false,
    changes: &[
        ("99532######", "995322######"),
        ("99577######", "995577######"),
        ("99595######", "995595######"),
    ],
};

/// 1 November 2015: 95 before the numbers of Orange, which began with 5, 96 before those of MTN, which began with 6.
/// Source: ARN, as told by Lusa on 3 November 2015.
const GUINEA_BISSAU: Plan = Plan {
    codes: &[245],
    still_listed: false,
    changes: &[
        ("2455######", "245955######"),
        ("2456######", "245966######"),
    ],
};

/// 2017 to January 2019: +383 in the place of +381 (Serbia, fixed lines), +377 44 and 45 (Monaco, Vala) and
/// +386 49 (Slovenia, Ipko); the rest of the number stays. +386 43 is left out: the engine lists it as in use
/// in Slovenia. Source: ITU Operational Bulletin 1114 (15 December 2016); ARKEP.
const KOSOVO: Plan = Plan {
    codes: &[377, 381, 386],
    still_listed: true,
    changes: &[
        ("37744######", "38344######"),
        ("37745######", "38345######"),
        ("38128######", "38328######"),
        ("38129######", "38329######"),
        ("38138######", "38338######"),
        ("38139######", "38339######"),
        ("38649######", "38349######"),
    ],
};

/// 1 September 2013: 5 before mobile numbers. Ranges that fixed lines may use are left out. Source: ICTA,
/// decision of 11 February 2013.
const MAURITIUS: Plan = Plan {
    codes: &[230],
    still_listed: false,
    changes: &[
        ("23025#####", "230525#####"),
        ("2307######", "23057######"),
        ("2309######", "23059######"),
    ],
};

/// 3 August 2019: ten digits for all calls. The 1 behind +52 for calls to mobiles from abroad is gone, and so
/// are the prefixes 01, 044 and 045 within the country, which people also wrote behind +52. Source: IFT,
/// Plan Técnico Fundamental de Numeración of 11 May 2018; ITU Operational Bulletin 1151 (1 July 2018).
const MEXICO: Plan = Plan {
    codes: &[52],
    still_listed: false,
    changes: &[
        ("521##########", "52##########"),
        ("5201##########", "52##########"),
        ("52044##########", "52##########"),
        ("52045##########", "52##########"),
    ],
};

/// 7 March 2009: 5 before fixed lines (2 and 3), 6 before mobiles (1 and 4 to 7). Source: ANRT, as told by carriers
/// in March 2009.
const MOROCCO: Plan = Plan {
    codes: &[212],
    still_listed: false,
    changes: &[
        ("2122#######", "21252#######"),
        ("2123#######", "21253#######"),
        ("2121#######", "21261#######"),
        ("2124#######", "21264#######"),
        ("2125#######", "21265#######"),
        ("2126#######", "21266#######"),
        ("2127#######", "21267#######"),
    ],
};

/// 28 July 2010: the first digit twice. Numbers that began with 3 are left out: those of one operator became
/// 33, and some lists say that those of the other became 31. Source: ictQATAR, 28 March 2010.
const QATAR: Plan = Plan {
    codes: &[974],
    still_listed: false,
    changes: &[
        ("9744######", "97444######"),
        ("9745######", "97455######"),
        ("9746######", "97466######"),
        ("9747######", "97477######"),
    ],
};

/// 13 May and 18 August 2013: 1 before the area code of fixed lines. Source: CITC, communication to the ITU of
/// 9 April 2013.
const SAUDI_ARABIA: Plan = Plan {
    codes: &[966],
    still_listed: false,
    changes: &[
        ("9661#######", "96611#######"),
        ("9662#######", "96612#######"),
        ("9663#######", "96613#######"),
        ("9664#######", "96614#######"),
        ("9666#######", "96616#######"),
        ("9667#######", "96617#######"),
    ],
};

/// 30 September 2011, the old numbers ended on 30 September 2012: +1 721 in the place of +599. Source: NANPA,
/// planning letter 423 of 27 July 2011.
const SINT_MAARTEN: Plan = Plan {
    codes: &[599],
    still_listed: false,
    changes: &[("5995######", "17215######")],
};

/// 1 January 2013: 7 before mobile numbers. Source: ministry of transport and communication, communication to
/// the ITU of 27 March 2013.
const TIMOR_LESTE: Plan = Plan {
    codes: &[670],
    still_listed: false,
    changes: &[("6707######", "67077######")],
};

/// 15 September to 14 November 2018: mobile numbers of eleven digits have ten, by their prefix. Source: ministry
/// of information and communications, decision of 25 May 2018.
const VIETNAM: Plan = Plan {
    codes: &[84],
    still_listed: false,
    changes: &[
        ("84120#######", "8470#######"),
        ("84121#######", "8479#######"),
        ("84122#######", "8477#######"),
        ("84126#######", "8476#######"),
        ("84128#######", "8478#######"),
        ("84123#######", "8483#######"),
        ("84124#######", "8484#######"),
        ("84125#######", "8485#######"),
        ("84127#######", "8481#######"),
        ("84129#######", "8482#######"),
        ("84162#######", "8432#######"),
        ("84163#######", "8433#######"),
        ("84164#######", "8434#######"),
        ("84165#######", "8435#######"),
        ("84166#######", "8436#######"),
        ("84167#######", "8437#######"),
        ("84168#######", "8438#######"),
        ("84169#######", "8439#######"),
        ("84186#######", "8456#######"),
        ("84188#######", "8458#######"),
        ("84199#######", "8459#######"),
    ],
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A number of the form, with these digits in it.
    fn of_form(form: &str, digits: &[u8]) -> u64 {
        let mut digits = digits.iter().cycle();
        let number: String = form
            .bytes()
            .map(|byte| match byte {
                b'#' => char::from(b'0' + digits.next().unwrap() % 10),
                byte => char::from(byte),
            })
            .collect();
        number.parse().unwrap()
    }

    fn changes() -> impl Strategy<Value = Change> {
        let all: Vec<Change> = PLANS
            .iter()
            .flat_map(|plan| plan.changes)
            .copied()
            .collect();
        prop::sample::select(all)
    }

    #[test]
    fn every_change_keeps_its_digits_and_begins_with_a_code_of_its_plan() {
        for plan in &PLANS {
            for (old, new) in plan.changes {
                let kept = |form: &str| form.bytes().filter(|byte| *byte == b'#').count();
                assert_eq!(kept(old), kept(new), "{old}");
                assert!(old.len() <= MAX_DIGITS && new.len() <= MAX_DIGITS, "{old}");
                let codes: Vec<_> = plan.codes.iter().map(u16::to_string).collect();
                assert!(codes.iter().any(|code| old.starts_with(code)), "{old}");
            }
        }
    }

    #[test]
    fn every_change_leads_to_numbers_that_are_in_use() {
        for (old, new) in PLANS.iter().flat_map(|plan| plan.changes) {
            let mut digits = (0..20_000_u32).map(|n| {
                let n = n.wrapping_mul(2_654_435_761);
                std::array::from_fn::<u8, 10, _>(|at| ((n >> (at * 3)) & 15) as u8)
            });
            assert!(
                digits.any(|digits| renewed(of_form(old, &digits)) == Some(of_form(new, &digits))),
                "{old} {new}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_new_form_is_valid_and_is_not_renewed_again((old, _) in changes(), digits in prop::collection::vec(0_u8..10, 10)) {
            let old = of_form(old, &digits);
            if let Some(new) = renewed(old) {
                prop_assert!(engine::line_type(new).is_some());
                prop_assert_eq!(renewed(new), None, "{} {}", old, new);
                prop_assert!(former(new).any(|known| known == old), "{} {}", old, new);
            }
        }

        #[test]
        fn a_valid_number_of_the_present_is_renewed_only_where_the_engine_still_lists_old_ones(number in 10_000_000_u64..999_999_999_999) {
            if engine::line_type(number).is_some() && renewed(number).is_some() {
                let listed = ["241", "377", "381", "386"];
                prop_assert!(listed.iter().any(|head| number.to_string().starts_with(head)), "{}", number);
            }
        }
    }
}
