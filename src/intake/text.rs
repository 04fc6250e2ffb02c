//! Character encodings: what the bytes are, and a reader that makes UTF-8 of them.

use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_16BE, UTF_16LE};

use super::encoding::{Coding, Page, TextEncoding};
use super::guess::{Doubt, Words};
use super::source::read_some;

/// This much of the start of a file is kept, to find its delimiter and columns.
pub(super) const SAMPLE: usize = 256 << 10;
/// The detector sees at most this much of a file that is not UTF-8.
const DETECTOR_BYTES: usize = 4 << 20;

/// What an examination of all the bytes has found.
pub(super) struct Examined {
    pub(super) encoding: TextEncoding,
    /// Another encoding in which the text reads nearly as well.
    pub(super) doubt: Option<Doubt>,
    /// True if every byte is ASCII and means it.
    pub(super) plain_ascii: bool,
    /// The start of the text, decoded.
    pub(super) sample: String,
    /// True if the sample is the whole text.
    pub(super) complete: bool,
}

/// Reads everything once: the encoding is a property of all the bytes, not of the first page.
///
/// `asked` is an encoding that the user named; `country` (a two-letter code) helps to distinguish the
/// Central European code pages from the Western ones.
pub(super) fn examine(
    mut bytes: impl Read,
    asked: Option<TextEncoding>,
    country: Option<&str>,
) -> io::Result<Examined> {
    let mut start = Vec::new();
    let mut validator = Utf8Validator {
        valid: true,
        open: Vec::new(),
    };
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut words = Words::default();
    let mut fed = 0_usize;
    let mut total = 0_u64;
    let mut ascii = true;
    let mut chunk = vec![0_u8; 1 << 16];
    loop {
        let length = read_some(&mut bytes, &mut chunk)?;
        let piece = chunk.get(..length).unwrap_or(&[]);
        if piece.is_empty() {
            break;
        }
        total += length as u64;
        ascii = ascii && piece.is_ascii();
        if start.len() < SAMPLE {
            start.extend_from_slice(piece);
        }
        validator.feed(piece);
        if !validator.valid && fed < DETECTOR_BYTES {
            detector.feed(piece, false);
            words.feed(piece);
            fed += length;
        }
    }
    let marked = Encoding::for_bom(&start).map(|(encoding, _)| encoding);
    let (encoding, doubt) = match (asked, marked.or_else(|| utf16_without_mark(&start))) {
        (Some(asked), _) => (asked, None),
        (None, Some(certain)) => (TextEncoding::web(certain), None),
        (None, None) if validator.finish() => (TextEncoding::UTF_8, None),
        (None, None) => {
            detector.feed(&[], true);
            let domain = country.map(str::to_ascii_lowercase);
            let domain = domain.as_deref().map(str::as_bytes);
            let guess = detector.guess(domain, Utf8Detection::Deny);
            words.judge(TextEncoding::web(guess), country)
        }
    };
    Ok(Examined {
        encoding,
        plain_ascii: ascii
            && encoding != TextEncoding::web(UTF_16LE)
            && encoding != TextEncoding::web(UTF_16BE),
        sample: encoding.decode(&start),
        doubt,
        complete: total == start.len() as u64,
    })
}

/// True for the first bytes of a text in UTF-16.
pub(super) fn is_utf16(start: &[u8]) -> bool {
    let marked = Encoding::for_bom(start).map(|(encoding, _)| encoding);
    let encoding = marked.or_else(|| utf16_without_mark(start));
    encoding == Some(UTF_16LE) || encoding == Some(UTF_16BE)
}

/// Spreadsheets write a mark; other programs may not, but then every other byte of a Latin text is 0.
fn utf16_without_mark(start: &[u8]) -> Option<&'static Encoding> {
    let head = start.get(..start.len().min(4096) & !1)?;
    let zeros = |offset: usize| {
        head.iter()
            .skip(offset)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let half = head.len() / 2;
    if half < 4 {
        return None;
    }
    if zeros(1) * 10 > half * 8 && zeros(0) * 10 < half {
        return Some(UTF_16LE);
    }
    (zeros(0) * 10 > half * 8 && zeros(1) * 10 < half).then_some(UTF_16BE)
}

/// UTF-8 validity across the borders of chunks.
struct Utf8Validator {
    valid: bool,
    /// The bytes that are not checked yet: the start of a character that the next chunk ends.
    open: Vec<u8>,
}

impl Utf8Validator {
    fn feed(&mut self, piece: &[u8]) {
        if !self.valid {
            return;
        }
        self.open.extend_from_slice(piece);
        match std::str::from_utf8(&self.open) {
            Ok(_) => self.open.clear(),
            Err(error) if error.error_len().is_none() => {
                self.open.drain(..error.valid_up_to());
            }
            Err(_) => self.valid = false,
        }
    }

    fn finish(&self) -> bool {
        self.valid && self.open.is_empty()
    }
}

enum Decoding {
    Web(Decoder),
    Page(&'static Page),
}

/// Makes UTF-8 of any encoding, and refuses bytes that the encoding does not know.
pub(super) struct Utf8Reader<R> {
    inner: R,
    decoder: Decoding,
    raw: Vec<u8>,
    at: usize,
    filled: usize,
    text: Vec<u8>,
    given: usize,
    finished: bool,
}

impl<R: Read> Utf8Reader<R> {
    pub(super) fn new(inner: R, encoding: TextEncoding) -> Self {
        Self {
            inner,
            decoder: match encoding.0 {
                Coding::Web(web) => Decoding::Web(web.new_decoder_with_bom_removal()),
                Coding::Page(page) => Decoding::Page(page),
            },
            raw: vec![0; 1 << 16],
            at: 0,
            filled: 0,
            text: Vec::new(),
            given: 0,
            finished: false,
        }
    }

    fn decode_more(&mut self) -> io::Result<()> {
        if self.at == self.filled {
            self.at = 0;
            self.filled = read_some(&mut self.inner, &mut self.raw)?;
        }
        let last = self.filled == 0;
        let source = self.raw.get(self.at..self.filled).unwrap_or(&[]);
        self.given = 0;
        let (read, known) = match &mut self.decoder {
            Decoding::Web(decoder) => decode_web(decoder, source, &mut self.text, last),
            Decoding::Page(page) => decode_page(page, source, &mut self.text),
        };
        self.at += read;
        if !known {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "bytes that the encoding does not know",
            ));
        }
        self.finished = last && self.at == self.filled;
        Ok(())
    }
}

/// How many bytes were decoded, and false where the next ones mean nothing.
fn decode_web(
    decoder: &mut Decoder,
    source: &[u8],
    text: &mut Vec<u8>,
    last: bool,
) -> (usize, bool) {
    // An upper bound, so that one call decodes all of it; it lacks only for absurd lengths.
    let room = decoder
        .max_utf8_buffer_length_without_replacement(source.len())
        .unwrap_or(1 << 18);
    text.resize(room, 0);
    let (result, read, written) = decoder.decode_to_utf8_without_replacement(source, text, last);
    text.truncate(written);
    (read, !matches!(result, DecoderResult::Malformed(..)))
}

fn decode_page(page: &Page, source: &[u8], text: &mut Vec<u8>) -> (usize, bool) {
    text.clear();
    let mut letter_bytes = [0_u8; 4];
    for byte in source {
        let Some(letter) = page.letter(*byte) else {
            return (source.len(), false);
        };
        text.extend_from_slice(letter.encode_utf8(&mut letter_bytes).as_bytes());
    }
    (source.len(), true)
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if self.finished {
                return Ok(0);
            }
            self.decode_more()?;
        }
        let ready = self.text.get(self.given..).unwrap_or(&[]);
        let length = ready.len().min(into.len());
        if let (Some(target), Some(source)) = (into.get_mut(..length), ready.get(..length)) {
            target.copy_from_slice(source);
        }
        self.given += length;
        Ok(length)
    }
}
