//! Environment markers: `python_version < "3.9" and (os_name == "nt" or extra == "x")`. Whether they hold is never asked: a
//! package that is installed somewhere is looked up. Whether they are markers is, since pip refuses a file with one that
//! isn't.

use super::scanner::Scanner;

/// Python's own recursion ends somewhat later.
const DEEPEST: usize = 200;

const VARIABLES: [&str; 20] = [
    "python_version",
    "python_full_version",
    "os_name",
    "os.name",
    "sys_platform",
    "sys.platform",
    "platform_release",
    "platform_system",
    "platform_version",
    "platform.version",
    "platform_machine",
    "platform.machine",
    "platform_python_implementation",
    "platform.python_implementation",
    "python_implementation",
    "implementation_name",
    "implementation_version",
    "extra",
    "extras",
    "dependency_groups",
];
const OPERATORS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// Takes the marker that the text begins with.
pub(super) fn read(scanner: &mut Scanner<'_>) -> Option<()> {
    alternatives(scanner, 0)
}

fn alternatives(scanner: &mut Scanner<'_>, depth: usize) -> Option<()> {
    atom(scanner, depth)?;
    while scanner.word("or") || scanner.word("and") {
        atom(scanner, depth)?;
    }
    Some(())
}

fn atom(scanner: &mut Scanner<'_>, depth: usize) -> Option<()> {
    scanner.blank();
    if scanner.eat("(") {
        (depth < DEEPEST).then_some(())?;
        alternatives(scanner, depth + 1)?;
        scanner.blank();
        scanner.eat(")").then_some(())?;
    } else {
        value(scanner)?;
        scanner.blank();
        operator(scanner)?;
        scanner.blank();
        value(scanner)?;
    }
    scanner.blank();
    Some(())
}

fn operator(scanner: &mut Scanner<'_>) -> Option<()> {
    if scanner.word("in") {
        return Some(());
    }
    if scanner.word("not") {
        return (scanner.blank() && scanner.word("in")).then_some(());
    }
    OPERATORS.into_iter().any(|operator| scanner.eat(operator)).then_some(())
}

fn value(scanner: &mut Scanner<'_>) -> Option<()> {
    for quote in ['\'', '"'] {
        if let Some(text) = scanner.rest().strip_prefix(quote) {
            let inside = text.get(..text.find(quote)?)?;
            scanner.take(inside.len() + 2);
            return is_literal(inside).then_some(());
        }
    }
    VARIABLES.into_iter().any(|variable| scanner.word(variable)).then_some(())
}

/// Whether Python takes the text between two quotes as a string. `\N{...}` needs its table of names, and is refused.
fn is_literal(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let digits = match c {
            '\0' => return false,
            '\\' => match chars.next() {
                None | Some('N' | '\0') => return false,
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                Some(_) => 0,
            },
            _ => 0,
        };
        let mut code: u64 = 0;
        for _ in 0..digits {
            match chars.next().and_then(|c| c.to_digit(16)) {
                Some(digit) => code = code * 16 + u64::from(digit),
                None => return false,
            }
        }
        if code > 0x10_ffff {
            return false;
        }
    }
    true
}
