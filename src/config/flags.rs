//! The settings that are flags of the command line and variables of the environment too.
//!
//! clap reads and documents them; what they take and what is wrong with it is told by the settings
//! themselves. A list is given by repeating its flag or with commas; in a variable nothing is an
//! empty list.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::{ConfigError, Settings};
use crate::settings::{Entry, Kind, Table};

/// What flags and variables said.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<Given>);

#[derive(Clone, Debug)]
struct Given {
    name: String,
    /// As it was given: `--threads` or `KELISIM_THREADS`.
    by: String,
    texts: Vec<String>,
}

impl Flags {
    /// Puts what was given into settings.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), ConfigError> {
        for Given { name, by, texts } in &self.0 {
            settings
                .set(name, texts)
                .map_err(|error| ConfigError(format!("`{by} {}`: {error}", texts.join(","))))?;
        }
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(mut command: Command) -> Command {
        let defaults = toml::Table::try_from(Settings::default()).unwrap_or_default();
        for entry in Settings::entries() {
            let Some(takes) = entry.flag else { continue };
            let list = matches!(entry.kind, Kind::List);
            let mut help = entry.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
            if list {
                help.push_str("; may be given several times");
            }
            match defaults.get(&entry.name) {
                Some(toml::Value::String(text)) => help = format!("{help} [default: {text}]"),
                Some(toml::Value::Integer(number)) => help = format!("{help} [default: {number}]"),
                _ => {}
            }
            let arg = Arg::new(entry.name.clone())
                .long(entry.name.clone())
                .env(entry.variable())
                .value_name(takes)
                .help(help);
            command = command.arg(match list {
                true => arg.action(ArgAction::Append).value_delimiter(','),
                false => arg.action(ArgAction::Set),
            });
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Flags, clap::Error> {
        let given = |entry: &Entry| {
            let mut texts: Vec<String> = matches.get_many(&entry.name)?.cloned().collect();
            if matches!(entry.kind, Kind::List) {
                texts.retain(|text| !text.is_empty());
            }
            let by = match matches.value_source(&entry.name) {
                Some(ValueSource::EnvVariable) => entry.variable(),
                _ => format!("--{}", entry.name),
            };
            Some(Given { name: entry.name.clone(), by, texts })
        };
        let flags = Settings::entries().into_iter().filter(|entry| entry.flag.is_some());
        Ok(Flags(flags.filter_map(|entry| given(&entry)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Flags::from_arg_matches(matches)?;
        Ok(())
    }
}
