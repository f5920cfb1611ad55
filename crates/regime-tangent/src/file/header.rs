//! The header of a `.npy` file, which describes the numbers that follow.
//!
//! It has magic bytes, a version, the length of the rest, and a Python dictionary such as
//! `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, padded with spaces
//! to a multiple of 64 bytes.

use std::io::Read;

use regime_models::Precision;

use super::{error::FileProblem, numbers::length_of};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest accepted header. NumPy's headers of plain numbers have about a hundred bytes.
const LONGEST: u32 = 1 << 16;

/// The content of a `.npy` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) element: Precision,
    /// Whether the first axis runs fastest.
    pub(super) columns_first: bool,
    pub(super) shape: Vec<usize>,
    /// Offset of the numbers in bytes.
    pub(super) start: u64,
}

impl Header {
    /// The header of numbers in row-major order, and its bytes.
    pub(super) fn new(shape: &[usize], element: Precision) -> (Self, Vec<u8>) {
        let descr = match element {
            Precision::F64 => "<f8",
            Precision::F32 => "<f4",
        };
        let axes = match shape {
            [only] => format!("({only},)"),
            several => {
                let axes: Vec<String> = several.iter().map(usize::to_string).collect();
                format!("({})", axes.join(", "))
            }
        };
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {axes}, }}");
        let before = MAGIC.len() + 4;
        let start = (before + text.len() + 1).next_multiple_of(64);
        let length = u16::try_from(start - before).expect("a header of a few axes is short");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(length.to_le_bytes());
        bytes.extend(text.bytes());
        bytes.resize(start - 1, b' ');
        bytes.push(b'\n');
        let start = start as u64;
        (Self { element, columns_first: false, shape: shape.into(), start }, bytes)
    }

    /// Reads a header, up to the start of the numbers.
    pub(super) fn read(from: &mut impl Read) -> Result<Self, FileProblem> {
        let magic = up_to(from, MAGIC.len())?;
        if magic != MAGIC {
            return Err(FileProblem::NotNpy { start: magic });
        }
        let version = exactly(from, 2)?;
        let length = match version[..] {
            [1, 0] => exactly(from, 2)?,
            [2 | 3, 0] => exactly(from, 4)?,
            _ => {
                let why = format!("version {}.{} is not known", version[0], version[1]);
                return Err(FileProblem::header(why));
            }
        };
        let before = (MAGIC.len() + version.len() + length.len()) as u64;
        let length = length.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
        if length > LONGEST {
            return Err(FileProblem::header(format!("it claims to have {length} bytes")));
        }
        let text = exactly(from, length as usize)?;
        let text = String::from_utf8(text).map_err(|_| FileProblem::header("it is not UTF-8"))?;
        Self::parse(&text, before + u64::from(length))
    }

    /// Bytes of the whole file.
    pub(super) fn file_length(&self) -> Result<u64, FileProblem> {
        length_of(&self.shape, self.element)
            .and_then(|length| length.checked_add(self.start))
            .ok_or_else(|| FileProblem::TooLarge { shape: self.shape.clone() })
    }

    /// Checks that a file of `found` bytes has the length that the header announces.
    pub(super) fn check_length(&self, found: u64) -> Result<(), FileProblem> {
        let wanted = self.file_length()?;
        if found == wanted { Ok(()) } else { Err(FileProblem::Length { wanted, found }) }
    }

    fn parse(text: &str, start: u64) -> Result<Self, FileProblem> {
        let mut rest = Literal(text);
        let (mut element, mut columns_first, mut shape) = (None, None, None);
        rest.expect("{")?;
        while !rest.skip("}") {
            let key = rest.quoted()?;
            rest.expect(":")?;
            match key {
                "descr" => element = Some(rest.element()?),
                "fortran_order" => columns_first = Some(rest.truth()?),
                "shape" => shape = Some(rest.axes()?),
                other => {
                    return Err(FileProblem::header(format!("unknown key `{}`", shown(other))));
                }
            }
            if !rest.skip(",") {
                rest.expect("}")?;
                break;
            }
        }
        if !rest.0.trim().is_empty() {
            let rest = shown(rest.0.trim());
            return Err(FileProblem::header(format!("`{rest}` follows its end")));
        }
        let missing = |key| FileProblem::header(format!("`{key}` is missing"));
        Ok(Self {
            element: element.ok_or_else(|| missing("descr"))?,
            columns_first: columns_first.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
            start,
        })
    }
}

/// The unread rest of a Python literal.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    fn skip(&mut self, token: &str) -> bool {
        self.0 = self.0.trim_start();
        match self.0.strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), FileProblem> {
        if self.skip(token) {
            return Ok(());
        }
        let found = shown(self.0.get(..20).unwrap_or(self.0));
        Err(FileProblem::header(format!("`{found}` where `{token}` should be")))
    }

    fn quoted(&mut self) -> Result<&'a str, FileProblem> {
        let quote = if self.skip("\"") {
            '"'
        } else {
            self.expect("'")?;
            '\''
        };
        let (text, rest) =
            self.0.split_once(quote).ok_or_else(|| FileProblem::header("a string does not end"))?;
        self.0 = rest;
        Ok(text)
    }

    fn element(&mut self) -> Result<Precision, FileProblem> {
        self.0 = self.0.trim_start();
        if !self.0.starts_with(['\'', '"']) {
            // A structured type or a subarray: a list or a tuple.
            let found = self.0.split(", 'fortran_order'").next().unwrap_or_default();
            return Err(FileProblem::Element { found: shown(found.trim()) });
        }
        match self.quoted()? {
            "<f8" => Ok(Precision::F64),
            "<f4" => Ok(Precision::F32),
            other => Err(FileProblem::Element { found: shown(other) }),
        }
    }

    fn truth(&mut self) -> Result<bool, FileProblem> {
        if self.skip("True") {
            return Ok(true);
        }
        self.expect("False").map(|()| false)
    }

    fn axes(&mut self) -> Result<Vec<usize>, FileProblem> {
        let mut axes = Vec::new();
        self.expect("(")?;
        while !self.skip(")") {
            axes.push(self.axis()?);
            if !self.skip(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(axes)
    }

    fn axis(&mut self) -> Result<usize, FileProblem> {
        self.0 = self.0.trim_start();
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        // Python 2 marks long integers.
        self.skip("L");
        digits
            .parse()
            .map_err(|_| FileProblem::header(format!("`{}` is not a length", shown(digits))))
    }
}

/// A text of the file for a message of one line: cut if it is long, and without control characters.
fn shown(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut start: String = chars.by_ref().take(MAX_CHARS).collect();
    if chars.next().is_some() {
        start.push('…');
    }
    start
}

fn exactly(from: &mut impl Read, n: usize) -> Result<Vec<u8>, FileProblem> {
    let bytes = up_to(from, n)?;
    if bytes.len() == n {
        return Ok(bytes);
    }
    Err(FileProblem::header("the file ends inside it"))
}

fn up_to(from: &mut impl Read, n: usize) -> Result<Vec<u8>, FileProblem> {
    let mut bytes = Vec::with_capacity(n);
    from.take(n as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of version 1.0 that starts with this text.
    fn file(text: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend(text.bytes());
        bytes
    }

    fn read(text: &str) -> Result<Header, String> {
        Header::read(&mut &file(text)[..]).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_written_header_is_read_back() {
        for shape in [&[][..], &[0], &[7], &[3, 4], &[20_000, 20_000], &[1, 0, 5]] {
            for element in [Precision::F64, Precision::F32] {
                let (header, bytes) = Header::new(shape, element);
                assert_eq!(bytes.len() % 64, 0);
                assert_eq!(header.start, bytes.len() as u64);
                assert_eq!(Header::read(&mut &bytes[..]).unwrap(), header);
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_numpy() {
        // numpy.save of zeros((3, 4)), NumPy 2.
        let text =
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }";
        let (_, bytes) = Header::new(&[3, 4], Precision::F64);
        assert_eq!(&bytes[..text.len()], text);
        assert_eq!(bytes.len(), 128);
        assert!(bytes[text.len()..127].iter().all(|&b| b == b' ') && bytes[127] == b'\n');
    }

    #[test]
    fn headers_of_other_writers_are_read() {
        let header = read("{\"shape\": (3L,4L), \"fortran_order\":True,'descr' :'<f4'}\n").unwrap();
        assert_eq!(header.shape, [3, 4]);
        assert!(header.columns_first);
        assert_eq!(header.element, Precision::F32);
    }

    #[test]
    fn errors_name_the_problem() {
        let end = "'fortran_order': False, 'shape': (2,), }\n";
        for (text, message) in [
            (format!("{{'descr': '>f8', {end}"), "its elements are `>f8`"),
            (format!("{{'descr': '<i8', {end}"), "its elements are `<i8`"),
            (format!("{{'descr': [('a', '<f8')], {end}"), "its elements are `[('a', '<f8')]`"),
            (format!("{{'colour': 3, {end}"), "unknown key `colour`"),
            (format!("{{{end}"), "`descr` is missing"),
            ("{'descr': '<f8', 'fortran_order': False}".into(), "`shape` is missing"),
            ("{'descr': '<f8', 'shape': (-2,)}".into(), "`` is not a length"),
            ("{'descr': '<f8', 'shape': (99999999999999999999,)}".into(), "is not a length"),
            ("{'descr': '<f8', 'shape': 2}".into(), "`2}` where `(` should be"),
            ("{'descr': '<f8', 'fortran_order': None}".into(), "where `False` should be"),
            ("{'descr': '<f8".into(), "a string does not end"),
            (format!("{{'descr': '<f8', {end}x"), "`x` follows its end"),
            ("[1]".into(), "`[1]` where `{` should be"),
        ] {
            let found = read(&text).unwrap_err();
            assert!(found.contains(message), "{text}: {found}");
        }
        let long = read(&format!("{{'{}': 1}}", "a\n".repeat(1000))).unwrap_err();
        assert!(long.lines().count() == 1 && long.chars().count() < 150, "{long}");
        let later = [&MAGIC[..], &[9, 0]].concat();
        let found = Header::read(&mut &later[..]).unwrap_err().to_string();
        assert!(found.contains("version 9.0 is not known"), "{found}");
        let endless = [&MAGIC[..], &[2, 0, 255, 255, 255, 255]].concat();
        let found = Header::read(&mut &endless[..]).unwrap_err().to_string();
        assert!(found.contains("claims to have 4294967295 bytes"), "{found}");
    }
}
