//! The categories of personal data that the policy lists (6.1).
//!
//! A gateway sees only the technical ones. Name, phone and e-mail stand here so that a
//! purpose's terms can be written down exactly and shown to the visitor; no
//! [`super::Datum`] has them, so the gateway cannot record them.
//!
//! [`Categories`] is a small set: the data that a purpose may collect.

use std::fmt;
use std::str::FromStr;

/// A category of personal data (policy 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Category {
    /// The network address of the device.
    IpAddress,
    /// The browser, or other program, that asks.
    Browser,
    /// Technical characteristics of hardware and software.
    Hardware,
    /// Date and time of access.
    AccessTime,
    /// Addresses of requested pages.
    PageAddress,
    /// Data in cookies.
    Cookie,
    /// Where the visitor is (4.7 alone).
    Location,
    /// The person's name.
    Name,
    /// The person's telephone number.
    Phone,
    /// The person's e-mail address.
    Email,
}

impl Category {
    /// All categories.
    pub const ALL: [Category; 10] = [
        Category::IpAddress,
        Category::Browser,
        Category::Hardware,
        Category::AccessTime,
        Category::PageAddress,
        Category::Cookie,
        Category::Location,
        Category::Name,
        Category::Phone,
        Category::Email,
    ];

    /// The name used in rules.
    pub const fn name(self) -> &'static str {
        match self {
            Category::IpAddress => "ip-address",
            Category::Browser => "browser",
            Category::Hardware => "hardware",
            Category::AccessTime => "access-time",
            Category::PageAddress => "page-address",
            Category::Cookie => "cookie",
            Category::Location => "location",
            Category::Name => "name",
            Category::Phone => "phone",
            Category::Email => "email",
        }
    }
}

impl FromStr for Category {
    type Err = ();

    fn from_str(name: &str) -> Result<Category, ()> {
        Category::ALL.into_iter().find(|category| category.name() == name).ok_or(())
    }
}

/// A set of categories.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Categories(u16);

impl Categories {
    /// No category.
    pub const NONE: Categories = Categories(0);

    /// Whether `category` is in the set.
    pub const fn contains(self, category: Category) -> bool {
        self.0 & (1 << category as u16) != 0
    }

    /// The members, in the order of [`Category::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(move |category| self.contains(*category))
    }
}

impl FromIterator<Category> for Categories {
    fn from_iter<I: IntoIterator<Item = Category>>(members: I) -> Categories {
        Categories(members.into_iter().fold(0, |set, category| set | 1 << category as u16))
    }
}

impl fmt::Debug for Categories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set: Categories = [Category::IpAddress, Category::Email].into_iter().collect();
        for category in Category::ALL {
            let put_in = matches!(category, Category::IpAddress | Category::Email);
            assert_eq!(set.contains(category), put_in, "{category:?}");
            assert_eq!(category.name().parse(), Ok(category));
        }
    }
}
