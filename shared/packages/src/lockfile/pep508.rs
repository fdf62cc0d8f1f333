//! One requirement as PEP 508 writes it. Only the parts that a lockfile reader needs: name, extras, version or address.

/// A requirement, borrowed from its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requirement<'a> {
    /// As written.
    pub(super) name: &'a str,
    pub(super) extras: Vec<&'a str>,
    pub(super) what: What<'a>,
}

/// What a requirement asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What<'a> {
    /// Exactly this version: `==1.2` or `===1.2`, alone or beside other clauses.
    Pinned(&'a str),
    /// Any version, or one of a range.
    Open,
    /// `name @ address`.
    Address(&'a str),
}

/// Reads `name [extras] (specifiers | @ address) [; marker]`; `None` when it isn't that.
pub(super) fn parse(text: &str) -> Option<Requirement<'_>> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let edge = |c: char| c.is_ascii_alphanumeric();
    if !name.starts_with(edge) || !name.ends_with(edge) {
        return None;
    }
    let (extras, rest) = extras(rest.trim_start())?;
    if let Some(address) = rest.strip_prefix('@') {
        let address = address.split(" ;").next().unwrap_or_default().trim();
        let whole = !address.is_empty() && !address.contains(char::is_whitespace);
        return whole.then_some(Requirement { name, extras, what: What::Address(address) });
    }
    let specifiers = rest.split(';').next().unwrap_or_default().trim();
    let specifiers = match specifiers.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')')?,
        None => specifiers,
    };
    Some(Requirement { name, extras, what: version(specifiers)? })
}

fn extras(rest: &str) -> Option<(Vec<&str>, &str)> {
    let Some(inside) = rest.strip_prefix('[') else {
        return Some((Vec::new(), rest));
    };
    let (inside, rest) = inside.split_once(']')?;
    let extras: Vec<&str> = inside.split(',').map(str::trim).filter(|extra| !extra.is_empty()).collect();
    let valid = |extra: &&str| extra.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    extras.iter().all(valid).then_some((extras, rest.trim_start()))
}

fn version(specifiers: &str) -> Option<What<'_>> {
    let mut what = What::Open;
    // a trailing comma is allowed by the grammar's older readers and seen in the wild
    for clause in specifiers.split(',').map(str::trim).filter(|clause| !clause.is_empty()) {
        let operator = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"].into_iter().find(|op| clause.starts_with(op))?;
        let version = clause.get(operator.len()..)?.trim();
        let wildcard = version.ends_with(".*");
        let allowed =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '!' | '*' | '$' | '{' | '}');
        if version.is_empty()
            || (operator != "===" && !version.chars().all(allowed))
            || version.contains(char::is_whitespace)
        {
            return None;
        }
        // a variable of the environment is not a version
        if (operator == "===" || (operator == "==" && !wildcard)) && !version.contains('$') {
            what = What::Pinned(version);
        }
    }
    Some(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> What<'_> {
        parse(text).unwrap().what
    }

    #[test]
    fn pins_are_exact() {
        for text in ["a==1.2", "a == 1.2", "a===1.2", "a (==1.2)", "a>=1,==1.2", "a[x, y]==1.2 ; python_version < '4'"]
        {
            assert_eq!(what(text), What::Pinned("1.2"), "{text}");
        }
        for text in
            ["a", "a>=1.2", "a~=1.2", "a==1.*", "a!=1.2", "a[x]", "a==${A}", "a ; sys_platform == 'win32'", "a<2,>1"]
        {
            assert_eq!(what(text), What::Open, "{text}");
        }
    }

    #[test]
    fn extras_and_addresses() {
        assert_eq!(parse("uvicorn[standard,http]").unwrap().extras, ["standard", "http"]);
        assert_eq!(
            what("a @ https://host.example/a-1.whl ; os_name == 'nt'"),
            What::Address("https://host.example/a-1.whl")
        );
        assert_eq!(what("a@git+https://host.example/a@main"), What::Address("git+https://host.example/a@main"));
    }

    #[test]
    fn what_is_no_requirement_is_none() {
        for text in
            ["", "<<<<<<< HEAD", "=======", "a b", "a=1", "a==", "a[x==1", "-a", "a @ ", "a==1 2", "requests=2.0"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
