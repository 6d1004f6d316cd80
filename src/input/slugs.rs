//! Slugs: the part of a web address that names a record.

use super::WORD;
use crate::search::terms;

/// The part of a web address that names a record: lower-case letters and digits with hyphens, made from its title.
pub fn slug(title: &str) -> String {
    let terms = terms(title);
    let mut slug = String::new();
    for term in terms.iter().filter(|term| term.is_ascii()) {
        let hyphen = if slug.is_empty() { "" } else { "-" };
        if slug.len() + hyphen.len() + term.len() > WORD {
            break;
        }
        slug.push_str(hyphen);
        slug.push_str(term);
    }
    if slug.is_empty() { "untitled".to_owned() } else { slug }
}

/// A slug with a number behind it when others have it already: `garden`, `garden-2`.
pub fn free_slug(title: &str, taken: &[String]) -> String {
    let slug = slug(title);
    let numbered = (2..).map(|number| format!("{slug}-{number}"));
    std::iter::once(slug.clone())
        .chain(numbered)
        .find(|candidate| !taken.contains(candidate))
        .unwrap_or(slug)
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_and_free() {
        assert_eq!(slug("Café culture: 60 of 81!"), "cafe-culture-60-of-81");
        assert_eq!(slug("健康"), "untitled");
        assert_eq!(slug(&format!("{} garden", "a".repeat(54))).len(), 54);
        assert_eq!(slug(&format!("{} garden", "a".repeat(53))).len(), 60);
        assert_eq!(
            free_slug("Garden", &["garden".to_owned(), "garden-2".to_owned()]),
            "garden-3"
        );
    }
}
