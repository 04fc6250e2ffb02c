//! The lists of `words.txt`.

use crate::domain::word_list::lists_of;

lists_of!(pub(super) struct List in "words.txt");

pub(super) const OPT_OUT: List = List("opt out");
pub(super) const ALONE: List = List("alone");
pub(super) const PERHAPS_ALONE: List = List("perhaps alone");
pub(super) const TAKE_OFF: List = List("take off");
pub(super) const NO_MORE: List = List("no more");
pub(super) const NOTHING_MORE: List = List("nothing more");
pub(super) const ENDING: List = List("ending");
pub(super) const WHAT_IS_ENDED: List = List("what is ended");
pub(super) const DENIED: List = List("denied");
pub(super) const DOUBTS: List = List("doubts");
pub(super) const UNCLEAR: List = List("unclear");
pub(super) const NEGATIONS: List = List("negations");
pub(super) const MORE: List = List("more");
pub(super) const PERHAPS: List = List("perhaps");
pub(super) const UNSPACED: List = List("unspaced");
pub(super) const MENTIONS: List = List("mentions");
pub(super) const SET_PHRASES: List = List("set phrases");
pub(super) const ERRANDS: List = List("errands");
pub(super) const INVITATIONS: List = List("invitations");
pub(super) const MESSAGES: List = List("messages");
pub(super) const LISTS: List = List("lists");
pub(super) const ME: List = List("me");
pub(super) const POLITE: List = List("polite");
pub(super) const FILLERS: List = List("fillers");
pub(super) const NOW: List = List("now");
pub(super) const SIGN_OFF: List = List("sign off");
pub(super) const CALLS: List = List("calls");
pub(super) const CONTACT: List = List("contact");
pub(super) const RECEIVING: List = List("receiving");
pub(super) const NOT_ME: List = List("not me");
pub(super) const NOT_ME_ALONE: List = List("not me alone");
pub(super) const MISSPELT: List = List("misspelt");
