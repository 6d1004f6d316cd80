//! Names that others have agreed on: addresses, telephone numbers, codes, languages.

use url::Url;

use super::Check;
use crate::error::ProblemCode;

impl Check {
    /// Languages as BCP 47 tags, e.g. `en`, `so`, `zh-Hant`.
    pub fn languages(&mut self, path: &str, tags: Vec<String>) -> Vec<String> {
        self.count(path, tags.len());
        let checked = tags
            .iter()
            .enumerate()
            .map(|(number, tag)| self.language(&format!("{path}.{number}"), tag));
        let checked: Vec<_> = checked.collect();
        self.set(path, checked)
    }

    /// A language as a BCP 47 tag.
    pub fn language(&mut self, path: &str, tag: &str) -> String {
        let mut parts = tag.split('-');
        let primary = parts
            .next()
            .is_some_and(|part| (2..=3).contains(&part.len()) && ascii_letters(part));
        let rest = parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !(primary && rest && tag.len() <= 35) {
            self.note(
                ProblemCode::Invalid,
                path,
                "Give a language tag such as en, so or zh-Hant (BCP 47).",
            );
        }
        tag.to_owned()
    }

    /// A web address: http or https, with a host, without a password.
    pub fn optional_url(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = self.optional_line(path, text, 2_000)?;
        let fine = Url::parse(&text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !fine {
            self.note(
                ProblemCode::Invalid,
                path,
                "Give a web address that begins with https:// or http://.",
            );
        }
        Some(text)
    }

    /// An e-mail address, checked no further than that it can be one.
    pub fn optional_email(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = self.optional_line(path, text, 254)?;
        let fine = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.contains('@') && !text.contains(char::is_whitespace)
        });
        if !fine {
            self.note(ProblemCode::Invalid, path, "Give an e-mail address.");
        }
        Some(text)
    }

    /// A telephone number: digits, spaces, and a plus sign in front.
    pub fn optional_phone(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = self.optional_line(path, text, 30)?;
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let known = text
            .char_indices()
            .all(|(at, c)| c.is_ascii_digit() || " -()".contains(c) || (c == '+' && at == 0));
        if !known || digits < 7 {
            self.note(ProblemCode::Invalid, path, "Give a telephone number.");
        }
        Some(text)
    }

    /// An ODS code: 3 to 10 capital letters and digits.
    pub fn optional_ods_code(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = self.optional_line(path, text, 10)?;
        let fine = text.len() >= 3 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !fine {
            self.note(
                ProblemCode::Invalid,
                path,
                "An ODS code has 3 to 10 capital letters and digits.",
            );
        }
        Some(text)
    }
}

fn ascii_letters(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::super::tests::problems;

    #[test]
    fn only_web_addresses_are_urls() {
        for wrong in [
            "javascript:alert(1)",
            "ftp://example.org/",
            "//example.org",
            "https://user:word@example.org/",
            "https://",
        ] {
            let found = problems(|check| {
                check.optional_url("url", Some(wrong.to_owned()));
            });
            assert_eq!(found.len(), 1, "{wrong}");
        }
        assert!(problems(|check| drop(check.optional_url("url", Some("https://www.nhs.uk/".to_owned())))).is_empty());
    }
}
