//! Whether a licence expression can be met with the licences we allow.

/// Whether `expression` can be met by licences for which `allowed` says yes: one side of each OR,
/// both of each AND. A licence WITH an exception is asked about as the whole phrase, as it grants
/// more than the licence alone. Some old packages write a slash for OR.
pub(crate) fn permits(
    expression: &str,
    allowed: &dyn Fn(&str) -> bool,
) -> Result<bool, &'static str> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser {
        rest: &tokens,
        allowed,
    };
    let met = parser.any()?;
    if parser.rest.is_empty() {
        Ok(met)
    } else {
        Err("something follows the expression")
    }
}

struct Parser<'a> {
    rest: &'a [&'a str],
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> Parser<'a> {
    fn take(&mut self, word: &str) -> bool {
        match self.rest {
            [first, rest @ ..] if first.eq_ignore_ascii_case(word) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn next(&mut self) -> Result<&'a str, &'static str> {
        let (first, rest) = self.rest.split_first().ok_or("it ends too early")?;
        self.rest = rest;
        Ok(first)
    }

    fn any(&mut self) -> Result<bool, &'static str> {
        let mut met = self.all()?;
        while self.take("OR") {
            met |= self.all()?;
        }
        Ok(met)
    }

    fn all(&mut self) -> Result<bool, &'static str> {
        let mut met = self.one()?;
        while self.take("AND") {
            met &= self.one()?;
        }
        Ok(met)
    }

    fn one(&mut self) -> Result<bool, &'static str> {
        if self.take("(") {
            let met = self.any()?;
            return if self.take(")") {
                Ok(met)
            } else {
                Err("a bracket is not closed")
            };
        }
        let licence = self.next()?;
        if [")", "AND", "OR", "WITH"]
            .iter()
            .any(|word| licence.eq_ignore_ascii_case(word))
        {
            return Err("a licence is missing");
        }
        if self.take("WITH") {
            let exception = self.next()?;
            return Ok((self.allowed)(&format!("{licence} WITH {exception}")));
        }
        Ok((self.allowed)(licence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> Result<bool, &'static str> {
        permits(expression, &|licence| {
            [
                "MIT",
                "Apache-2.0",
                "Unicode-3.0",
                "Apache-2.0 WITH LLVM-exception",
            ]
            .contains(&licence)
        })
    }

    #[test]
    fn either_side_of_an_or_will_do() {
        assert_eq!(check("MIT"), Ok(true));
        assert_eq!(check("GPL-3.0-only"), Ok(false));
        assert_eq!(check("GPL-3.0-only OR MIT"), Ok(true));
        assert_eq!(check("GPL-3.0-only OR LGPL-2.1"), Ok(false));
        assert_eq!(check("MIT/Apache-2.0"), Ok(true));
    }

    #[test]
    fn both_sides_of_an_and_must_be_met() {
        assert_eq!(check("(MIT OR Apache-2.0) AND Unicode-3.0"), Ok(true));
        assert_eq!(check("MIT AND GPL-3.0-only"), Ok(false));
        // AND binds tighter than OR.
        assert_eq!(check("MIT OR GPL-3.0-only AND LGPL-2.1"), Ok(true));
        assert_eq!(check("(MIT OR GPL-3.0-only) AND LGPL-2.1"), Ok(false));
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert_eq!(check("Apache-2.0 WITH LLVM-exception"), Ok(true));
        assert_eq!(check("GPL-2.0 WITH Classpath-exception-2.0"), Ok(false));
    }

    #[test]
    fn nonsense_is_an_error() {
        for expression in ["", "MIT OR", "(MIT", "MIT Apache-2.0", "AND MIT", "MIT)"] {
            assert!(check(expression).is_err(), "{expression}");
        }
    }
}
