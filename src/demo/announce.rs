//! Says what to open: for people as text, for scripts as one line of JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;
use url::form_urlencoded;

use super::{
    calendar::Calendar,
    content::SiteContent,
    tokens::{self, RoleToken},
};

/// Queries worth trying; each stands in a file of its own.
const QUERIES: [Query; 3] = [
    Query {
        title: "A region's library: its own resources and the national ones, with its pins and notes",
        site: "north-staffordshire",
        role: "champion",
        text: include_str!("queries/library.graphql"),
        dated: false,
    },
    Query {
        title: "Impact over the network: exact, rounded and suppressed figures, totals with honest bounds",
        site: "national",
        role: "analyst",
        text: include_str!("queries/impact.graphql"),
        dated: true,
    },
    Query {
        title: "The forum: questions of all sites with the answers that helped",
        site: "blackpool",
        role: "project_lead",
        text: include_str!("queries/forum.graphql"),
        dated: false,
    },
];

/// How many months of figures the query about impact asks for.
const MONTHS_ASKED: u32 = 12;

struct Query {
    title: &'static str,
    site: &'static str,
    role: &'static str,
    text: &'static str,
    /// Whether it takes the variables `from` and `to`.
    dated: bool,
}

/// What there is to open.
#[derive(Debug)]
pub struct Announcement<'a> {
    /// What the host is called.
    pub name: String,
    /// Where it listens.
    pub url: String,
    /// A token of everybody who holds a role.
    pub tokens: Vec<RoleToken>,
    /// What it was filled with.
    pub contents: &'a [SiteContent],
    /// Which months it has figures of.
    pub calendar: Calendar,
}

#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    url: &'a str,
    sites: Vec<&'a str>,
}

#[derive(Serialize)]
struct Line<'a> {
    hosts: [Host<'a>; 1],
    tokens: &'a [RoleToken],
}

impl Announcement<'_> {
    /// Prints it to standard output.
    ///
    /// # Errors
    /// When nobody reads.
    pub fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, &self.line())?;
            writeln!(out)?;
        } else {
            self.overview(&mut out)?;
            self.people(&mut out)?;
            self.queries(&mut out)?;
            writeln!(out, "Stop with Ctrl-C.")?;
        }
        out.flush()
    }

    fn line(&self) -> Line<'_> {
        let sites = self.contents.iter().map(|content| content.site.slug.as_str());
        let host = Host {
            name: &self.name,
            url: &self.url,
            sites: sites.collect(),
        };
        Line {
            hosts: [host],
            tokens: &self.tokens,
        }
    }

    fn overview(&self, out: &mut impl Write) -> io::Result<()> {
        let url = &self.url;
        writeln!(out, "{} is ready.\n", self.name)?;
        writeln!(out, "  GraphiQL  {url}/graphiql")?;
        writeln!(out, "  API       {url}/graphql")?;
        writeln!(out, "  Schema    {url}/schema.graphql\n")?;
        writeln!(out, "Its sites:")?;
        for content in self.contents {
            writeln!(out, "  {:<20} {}", content.site.slug, content.site.name)?;
        }
        writeln!(
            out,
            "\nPeople, projects and figures are sample data and marked so. Facts are the organisations, North Staffordshire's \
             60 of 81 practices and the case studies that name a real programme."
        )
    }

    fn people(&self, out: &mut impl Write) -> io::Result<()> {
        let hours = tokens::LIFE.num_hours();
        writeln!(
            out,
            "\nTokens, good for {hours} hours. Send one as `Authorization: Bearer …`, or open its link.\n"
        )?;
        for token in &self.tokens {
            writeln!(out, "{}:{} ({})", token.site, token.role, token.subject)?;
            writeln!(out, "{}", token.token)?;
            writeln!(out, "{}\n", self.link(&[("token", &token.token)]))?;
        }
        Ok(())
    }

    fn queries(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "Three queries worth trying; each link opens one with its token.\n")?;
        for (number, query) in (1..).zip(&QUERIES) {
            let token = self
                .tokens
                .iter()
                .find(|token| token.site == query.site && token.role == query.role);
            let token = token.map_or("", |token| token.token.as_str());
            let variables = self.variables(query);
            let mut parts = vec![("token", token), ("query", query.text)];
            parts.extend(variables.as_deref().map(|variables| ("variables", variables)));
            writeln!(out, "{number}. {}\n\n{}", query.title, query.text)?;
            if let Some(variables) = &variables {
                writeln!(out, "Variables: {variables}")?;
            }
            writeln!(out, "{}\n", self.link(&parts))?;
        }
        Ok(())
    }

    /// The latest months, in place of those that stand in the query's file.
    fn variables(&self, query: &Query) -> Option<String> {
        let (from, to) = (self.calendar.month(MONTHS_ASKED - 1), self.calendar.month_end(0));
        query.dated.then(|| json!({ "from": from, "to": to }).to_string())
    }

    /// A link into GraphiQL. What stands behind `#` never leaves the browser.
    fn link(&self, parts: &[(&str, &str)]) -> String {
        let parts = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parts)
            .finish();
        format!("{}/graphiql#{parts}", self.url)
    }
}
