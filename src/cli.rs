//! The commands of the program. What a command is for goes to stdout, everything else to stderr; the exit code is 0 when
//! it was done, 1 when it was not, 2 when the command line is wrong.

use std::{
    fmt::Display,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    str::FromStr,
};

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    clock::{Clock, Ids},
    config::Settings,
    error::{Error, Problem},
    schema,
    server::Server,
};

mod backup;
mod check;
mod demo;
mod development;
mod imports;
mod issuers;
mod logging;
mod network;
mod secret;
mod serve;
mod sites;
mod traces;

/// A failure is a sentence for the operator, or several lines of them.
type Outcome<T = ()> = Result<T, String>;

/// The open platform for digital champions in health and care: a federating GraphQL server.
#[derive(Debug, Parser)]
#[command(name = "champion-network", version)]
struct Cli {
    /// A TOML file of settings; CHAMPION_… variables override it
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host until it is told to stop (SIGTERM, or Ctrl-C)
    Serve(serve::ServeArguments),
    /// Fill three hosts of one network with the worked example and run them: five sites, their people, resources, forum and figures
    Demo(demo::DemoArguments),
    /// Bring the database to this version's schema; `serve` does it by itself
    Migrate,
    /// Write everything in the database into one file; the host may run meanwhile
    Backup(backup::Backup),
    /// Put what `backup` has written into the database, while no host runs on it
    Restore(backup::Restore),
    /// Look whether everything in the database holds together: audits, feeds, copies and what names what. The host may be running
    Check(check::CheckArguments),
    /// Print the GraphQL schema
    Schema,
    /// Make the key of the development issuer, in the file that the setting development_key_file names
    Keys,
    /// Print a token of the development issuer, for trying things out
    Token(development::TokenArguments),
    /// Make the network's root on the national host: it proves keys, and is kept offline
    Root(network::Root),
    /// The sites that this host keeps, and their part in a network
    #[command(subcommand)]
    Site(sites::SiteCommand),
    /// Whose tokens the sites accept
    #[command(subcommand)]
    Issuer(issuers::IssuerCommand),
    /// The organisations around the sites
    #[command(subcommand)]
    Organisations(imports::OrganisationsCommand),
    /// The figures that a site counted
    #[command(subcommand)]
    Observations(imports::ObservationsCommand),
}

/// Reads the command line and runs what it says.
pub async fn main() -> ExitCode {
    let Cli { config, command } = Cli::parse();
    match run(config, command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nobody is left to tell when stderr is closed.
            let why: Vec<_> = why.lines().map(logging::printable).collect();
            let _ = writeln!(io::stderr(), "champion-network: {}", why.join("\n"));
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Option<PathBuf>, command: Command) -> Outcome {
    let settings = || Settings::load(config.as_deref()).map_err(|why| format!("The settings cannot be used: {why}"));
    match command {
        Command::Schema => say(schema::document().trim_end()),
        Command::Check(arguments) => check::check(settings()?, arguments).await,
        Command::Serve(arguments) => serve::serve(settings()?, arguments).await,
        Command::Demo(arguments) => demo::demo(arguments).await,
        Command::Keys => development::keys(&settings()?),
        Command::Token(arguments) => development::token(&settings()?, arguments),
        Command::Migrate => {
            at(settings()?, async |_| Ok(())).await?;
            say("The database has this version's schema.")
        }
        Command::Backup(arguments) => backup::back_up(&settings()?, arguments).await,
        Command::Restore(arguments) => backup::restore(&settings()?, arguments).await,
        Command::Root(arguments) => at(settings()?, async |server| network::root(server, arguments).await).await,
        Command::Site(command) => sites::run(settings()?, command).await,
        Command::Issuer(command) => issuers::run(settings()?, command).await,
        Command::Organisations(command) => imports::organisations(settings()?, command).await,
        Command::Observations(command) => imports::observations(settings()?, command).await,
    }
}

/// Opens the database, migrated, for one short command, and closes it.
async fn at<T>(settings: Settings, command: impl AsyncFnOnce(&Server) -> Outcome<T>) -> Outcome<T> {
    // The steps that prepare the database are no news here.
    logging::start("warn", settings.log_format)?;
    let server = open(settings).await?;
    let outcome = command(&server).await;
    let closed = close(&server).await;
    outcome.and_then(|value| closed.map(|()| value))
}

async fn open(settings: Settings) -> Outcome<Server> {
    let opened = Server::open(settings, Clock::default(), Ids::default()).await;
    opened.map_err(|why| {
        format!(
            "The database cannot be opened. Is it running, and is the setting database_url right? {}",
            told(why)
        )
    })
}

async fn close(server: &Server) -> Outcome {
    let closed = server.0.database.close().await;
    closed.map_err(|why| format!("The database cannot be closed: {why}"))
}

/// A bar on stderr; it stays away when that is not a terminal.
fn progress_bar() -> Outcome<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len}, {eta} left");
    let style = style.map_err(|why| format!("The progress bar cannot be drawn: {why}"))?;
    Ok(ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style))
}

/// Prints a line to stdout. Who closed it has seen enough.
fn say(line: impl Display) -> Outcome {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => Err(format!("Nothing can be printed: {why}")),
        _ => Ok(()),
    }
}

/// What went wrong, for the operator: also what callers are not told.
fn told(error: Error) -> String {
    match error {
        Error::Invalid(problems) => {
            let lines: Vec<_> = problems.iter().map(line).collect();
            lines.join("\n")
        }
        Error::Internal(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

/// Options are named like fields of the API, with hyphens.
fn line(problem: &Problem) -> String {
    match problem.path.first().map(String::as_str) {
        // Problems of a file say themselves where they are.
        None | Some("csv") => problem.message.clone(),
        Some(_) => format!("{}: {}", option(&problem.path.join(".")), problem.message),
    }
}

fn option(field: &str) -> String {
    let mut option = "--".to_owned();
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            option.push('-');
        }
        option.push(letter.to_ascii_lowercase());
    }
    option
}

/// Reads an option that is one of a few words, in any case and with hyphens or underscores.
fn one_of<T: FromStr + Display + Copy + Send + Sync>(
    all: &'static [T],
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let written = text.replace('-', "_");
        let found = all
            .iter()
            .find(|value| value.to_string().eq_ignore_ascii_case(&written));
        found.copied().ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|value| value.to_string().to_lowercase()).collect();
            format!("use one of {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::error::ProblemCode;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_key_may_begin_with_a_hyphen() {
        // One in 64 does: 43 characters of the URL-safe alphabet of base64.
        let key = "-HAzAoSFYdLG6l9L5DvA-uM1YNslNKRundp1O-t65K8";
        for command in [
            &["site", "accept-key", "leeds", "--public-key", key, "--root", "root.key"][..],
            &["site", "join", "--slug", "leeds", "--root", key],
        ] {
            let read = Cli::try_parse_from([&["champion-network"], command].concat());

            assert!(format!("{:?}", read.unwrap().command).contains(key));
        }
    }

    #[test]
    fn a_problem_names_its_option() {
        let told = told(Error::problem(ProblemCode::Invalid, "odsCode", "Too short."));

        assert_eq!(told, "--ods-code: Too short.");
    }

    #[test]
    fn a_word_is_read_in_any_case() {
        let role = one_of(entity::SiteRole::ALL);

        for written in ["project_lead", "PROJECT_LEAD", "project-lead"] {
            assert_eq!(role(written), Ok(entity::SiteRole::ProjectLead));
        }
        assert!(role("lead").is_err());
    }
}
