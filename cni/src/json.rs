//! As much of JSON as the plugin needs: strings out of an object, and a string written.

use std::array;
use std::char::{decode_utf16, REPLACEMENT_CHARACTER};
use std::fmt::Write;

/// The strings that an object has under these keys; of several with one key, the last.
///
/// What stands in nested objects doesn't count. Where the text stops being JSON, reading stops.
pub fn strings<const N: usize>(text: &[u8], wanted: [&str; N]) -> [Option<String>; N] {
    let mut found = array::from_fn(|_| None);
    let mut reader = Reader { text, at: 0 };
    if reader.take(b'{').is_some() {
        while let Some((key, value)) = reader.member() {
            if let Some(place) = wanted.iter().position(|name| *name == key) {
                found[place] = value;
            }
            if reader.take(b',').is_none() {
                break;
            }
        }
    }
    found
}

/// A string as JSON.
pub fn quoted(text: &str) -> String {
    let mut written = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => written.extend(['\\', character]),
            '\0'..='\x1f' => write!(written, "\\u{:04x}", character as u32).expect("a String takes all"),
            _ => written.push(character),
        }
    }
    written.push('"');
    written
}

/// Reads from the front; every method gives `None` where the text isn't what is asked for.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// A key and its value, which is `None` if it is no string.
    fn member(&mut self) -> Option<(String, Option<String>)> {
        let key = self.string()?;
        self.take(b':')?;
        if self.peek()? == b'"' {
            return Some((key, Some(self.string()?)));
        }
        self.skip_value()?;
        Some((key, None))
    }

    /// Skip a value that is no string.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match self.peek()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' if depth == 0 => return Some(()),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Some(String::from_utf8_lossy(&bytes).into_owned()),
                b'\\' => self.escaped(&mut bytes)?,
                0..=0x1f => return None,
                byte => bytes.push(byte),
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        bytes.push(match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.code_unit(bytes),
            _ => return None,
        });
        Some(())
    }

    /// Four hexadecimal digits; eight in two escapes, where the first four are the half of a character.
    fn code_unit(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let mut units = vec![self.hexadecimal()?];
        if (0xd800..0xdc00).contains(&units[0]) && self.text[self.at..].starts_with(b"\\u") {
            self.at += 2;
            units.push(self.hexadecimal()?);
        }
        for character in decode_utf16(units) {
            let character = character.unwrap_or(REPLACEMENT_CHARACTER);
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(())
    }

    fn hexadecimal(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |value, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            Some(value << 4 | u16::try_from(digit).ok()?)
        })
    }

    /// Skip white space and this byte.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Skip white space, and look at the byte behind it.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at)?, b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }
}
