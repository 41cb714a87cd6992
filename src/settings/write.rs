//! Settings as a complete, commented `kelisim.toml`.
//!
//! Each setting stands there with its documentation and its value. One that has no value stands there
//! as an example that is commented out: `#name = …`, without a space, while documentation is `# …`.
//!
//! What is written can be read again and gives the same settings.

use std::fmt::Write;

use super::{Entry, Kind, Table};

/// Writes settings as TOML.
pub fn to_toml<T: Table>(settings: &T) -> Result<String, toml::ser::Error> {
    let values = toml::Table::try_from(settings)?;
    let examples = toml::Table::try_from(T::example())?;
    let mut out = Writer(String::new());
    out.doc(T::DOC);
    out.table("", &T::entries(), Some(&values), &examples);
    Ok(out.0)
}

struct Writer(String);

impl Writer {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn doc(&mut self, lines: &[&str]) {
        for line in lines {
            self.line(format!("# {}", line.trim()).trim_end());
        }
    }

    /// Writes a table's settings, then the tables in it: in TOML what follows a head is under it. Without
    /// values all of it is an example.
    fn table(
        &mut self,
        path: &str,
        entries: &[Entry],
        values: Option<&toml::Table>,
        examples: &toml::Table,
    ) {
        let (tables, plain): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| {
            matches!(entry.kind, Kind::Table(_) | Kind::Named(_) | Kind::Each(_))
        });
        for entry in plain {
            let value = values.and_then(|values| values.get(&entry.name));
            let Some(shown) = value.or_else(|| examples.get(&entry.name)) else { continue };
            self.blank();
            self.doc(entry.doc);
            if let Some(range) = &entry.range {
                self.line(&format!("# From {range}"));
            }
            if let Some(takes) = entry.flag {
                let (name, variable) = (&entry.name, entry.variable());
                self.line(&format!("# Also: --{name} {takes}, {variable}"));
            }
            self.setting(&format!("{} = {shown}", entry.name), value.is_some());
        }
        for entry in tables {
            let path = match path {
                "" => entry.name.clone(),
                path => format!("{path}.{}", entry.name),
            };
            let value = values.and_then(|values| values.get(&entry.name)).filter(|v| is_some(v));
            let Some(example) = examples.get(&entry.name) else { continue };
            self.blank();
            self.doc(entry.doc);
            match entry.kind {
                Kind::Table(entries) => {
                    self.group(&format!("[{path}]"), &path, &entries(), value, example);
                }
                Kind::Named(entries) => {
                    let example_of = |named: &toml::Value| {
                        named.as_table().and_then(|t| t.values().next().cloned())
                    };
                    let Some(one) = example_of(example) else { continue };
                    let (groups, filled) = (value.unwrap_or(example).as_table(), value.is_some());
                    for (name, group) in groups.into_iter().flatten() {
                        let path = format!("{path}.{}", key(name));
                        let group = filled.then_some(group);
                        self.group(&format!("[{path}]"), &path, &entries(), group, &one);
                    }
                }
                Kind::Each(entries) => {
                    let Some(one) = example.as_array().and_then(|list| list.first()) else {
                        continue;
                    };
                    let (groups, filled) = (value.unwrap_or(example).as_array(), value.is_some());
                    for group in groups.into_iter().flatten() {
                        let group = filled.then_some(group);
                        self.group(&format!("[[{path}]]"), &path, &entries(), group, one);
                    }
                }
                Kind::Text | Kind::Number | Kind::List => {}
            }
        }
    }

    /// One table under its head.
    fn group(
        &mut self,
        head: &str,
        path: &str,
        entries: &[Entry],
        value: Option<&toml::Value>,
        example: &toml::Value,
    ) {
        self.setting(head, value.is_some());
        if let Some(example) = example.as_table() {
            self.table(path, entries, value.and_then(toml::Value::as_table), example);
        }
    }

    fn setting(&mut self, text: &str, is_set: bool) {
        let mark = if is_set { "" } else { "#" };
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{mark}{text}");
    }

    fn blank(&mut self) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
    }
}

/// Whether there is something in a list or group.
fn is_some(value: &toml::Value) -> bool {
    match value {
        toml::Value::Table(table) => !table.is_empty(),
        toml::Value::Array(list) => !list.is_empty(),
        _ => true,
    }
}

/// A name as a key: bare, or in quotes.
fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match !name.is_empty() && name.bytes().all(bare) {
        true => name.to_owned(),
        false => toml::Value::String(name.to_owned()).to_string(),
    }
}
