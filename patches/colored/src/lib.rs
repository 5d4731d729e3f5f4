//! Stands in for the crate of that name: burn prints one report with it that nobody here asks for, and
//! its licence (MPL-2.0) is not one that the default build may have. Says everything without colours.
#![forbid(unsafe_code)]

/// Words that would have a colour.
pub trait Colorize {
    /// As they are.
    fn bold(&self) -> &str;
    /// As they are.
    fn red(&self) -> &str;
    /// As they are.
    fn yellow(&self) -> &str;
    /// As they are.
    fn green(&self) -> &str;
}

impl Colorize for str {
    fn bold(&self) -> &str {
        self
    }
    fn red(&self) -> &str {
        self
    }
    fn yellow(&self) -> &str {
        self
    }
    fn green(&self) -> &str {
        self
    }
}
