//! Says what to open: for people as text, for scripts as one line of JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};
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
        asker: ("north-staffordshire", "champion"),
        text: include_str!("queries/library.graphql"),
        dated: false,
    },
    Query {
        title: "Impact over the network: exact, rounded and suppressed figures, totals with honest bounds",
        asker: ("national", "analyst"),
        text: include_str!("queries/impact.graphql"),
        dated: true,
    },
    Query {
        title: "The forum: questions of all sites with the answers that helped",
        asker: ("blackpool", "project_lead"),
        text: include_str!("queries/forum.graphql"),
        dated: false,
    },
];

/// How many months of figures the query about impact asks for.
const MONTHS_ASKED: u32 = 12;

/// What somebody of one region writes in a national thread.
const ANSWER: &str = include_str!("queries/answer.graphql");
const WRITER: (&str, &str) = ("north-east-london", "champion");

/// How people at the other hosts see it arrive.
const THREAD: &str = include_str!("queries/thread.graphql");
const READERS: [(&str, &str); 2] = [("north-staffordshire", "champion"), ("national", "champion")];

struct Query {
    title: &'static str,
    /// Site and role of the person whose token goes with it.
    asker: (&'static str, &'static str),
    text: &'static str,
    /// Whether it takes the variables `from` and `to`.
    dated: bool,
}

/// What there is to open.
#[derive(Debug)]
pub struct Announcement<'a> {
    /// The hosts, the hub first.
    pub hosts: Vec<HostToOpen<'a>>,
    /// A token of everybody who holds a role.
    pub tokens: Vec<RoleToken>,
    /// What it was filled with.
    pub contents: &'a [SiteContent],
    /// Which months it has figures of.
    pub calendar: Calendar,
    /// The id of a thread in a national space.
    pub thread: Option<String>,
}

/// A host as it is announced.
#[derive(Clone, Debug, Serialize)]
pub struct HostToOpen<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Where it listens.
    pub url: String,
    /// The slugs of the sites that it keeps.
    pub sites: &'a [&'a str],
}

#[derive(Serialize)]
struct Line<'a> {
    hosts: &'a [HostToOpen<'a>],
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
            let (hosts, tokens) = (&self.hosts, &self.tokens);
            serde_json::to_writer(&mut out, &Line { hosts, tokens })?;
            writeln!(out)?;
        } else {
            self.overview(&mut out)?;
            self.people(&mut out)?;
            self.queries(&mut out)?;
            self.exchange(&mut out)?;
            writeln!(out, "Stop with Ctrl-C.")?;
        }
        out.flush()
    }

    fn overview(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "A network of {} hosts is ready. Each has a database of its own; they exchange what their sites share.",
            self.hosts.len()
        )?;
        for host in &self.hosts {
            let url = &host.url;
            writeln!(out, "\n{}\n", host.name)?;
            writeln!(out, "  GraphiQL  {url}/graphiql")?;
            writeln!(out, "  API       {url}/graphql")?;
            writeln!(out, "  Schema    {url}/schema.graphql")?;
            for site in host.sites {
                let named = self.contents.iter().find(|content| content.site.slug == *site);
                let name = named.map_or("", |content| content.site.name.as_str());
                writeln!(out, "  Site      {site:<20} {name}")?;
            }
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
            "\nTokens, good for {hours} hours, each at the host of its site. Send one as `Authorization: Bearer …`, or open \
             its link.\n"
        )?;
        for token in &self.tokens {
            writeln!(out, "{}:{} ({}, {})", token.site, token.role, token.subject, token.host)?;
            writeln!(out, "{}", token.token)?;
            writeln!(out, "{}\n", link(&token.host, &[("token", &token.token)]))?;
        }
        Ok(())
    }

    fn queries(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "Three queries worth trying; each link opens one with its token.\n")?;
        for (number, query) in (1..).zip(&QUERIES) {
            let variables = self.months(query);
            writeln!(out, "{number}. {}\n\n{}", query.title, query.text)?;
            if let Some(variables) = &variables {
                writeln!(out, "Variables: {variables}")?;
            }
            writeln!(out, "{}\n", self.opened(query.asker, query.text, variables.as_ref()))?;
        }
        Ok(())
    }

    /// What shows that the hosts exchange.
    fn exchange(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(thread) = &self.thread else { return Ok(()) };
        let variables = json!({ "thread": thread });
        let link = |asker, text| self.opened(asker, text, Some(&variables));
        let (site, role) = WRITER;
        writeln!(
            out,
            "And the network itself: answer at one host, and read it at the others.\n"
        )?;
        writeln!(out, "Variables of both: {variables}\n")?;
        writeln!(out, "As {site}:{role}:\n\n{ANSWER}\n{}\n", link(WRITER, ANSWER))?;
        writeln!(out, "Then, at the other hosts:\n\n{THREAD}")?;
        for reader in READERS {
            let (site, role) = reader;
            writeln!(out, "As {site}:{role}:\n{}\n", link(reader, THREAD))?;
        }
        Ok(())
    }

    /// The latest months, in place of those that stand in the query's file.
    fn months(&self, query: &Query) -> Option<Value> {
        let (from, to) = (self.calendar.month(MONTHS_ASKED - 1), self.calendar.month_end(0));
        query.dated.then(|| json!({ "from": from, "to": to }))
    }

    /// A link that opens a query at the host of whoever asks, with their token.
    fn opened(&self, (site, role): (&str, &str), query: &str, variables: Option<&Value>) -> String {
        let mut tokens = self.tokens.iter();
        let Some(token) = tokens.find(|token| token.site == site && token.role == role) else {
            return String::new();
        };
        let variables = variables.map(Value::to_string);
        let mut parts = vec![("token", token.token.as_str()), ("query", query)];
        parts.extend(variables.as_deref().map(|variables| ("variables", variables)));
        link(&token.host, &parts)
    }
}

/// A link into GraphiQL. What stands behind `#` never leaves the browser.
fn link(host: &str, parts: &[(&str, &str)]) -> String {
    let parts = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parts)
        .finish();
    format!("{host}/graphiql#{parts}")
}
