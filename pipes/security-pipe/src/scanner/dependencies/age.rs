//! How old a database of advisories is.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use pipe_advisories::Coverage;
use pipe_core::env::Vars;
use pipe_core::spec::{Kind, Var};
use pipe_core::text::count;

pub(crate) const DB_MAX_AGE_DAYS: Var = Var::new(
    "DB_MAX_AGE_DAYS",
    Kind::Integer { min: 1, max: 3650 },
    "Reports a database of advisories as stale if its newest record is older than this number of days. It has no effect \
     with the API.",
)
.default("7");
pub(crate) const DB_STALE: Var =
    Var::choice("DB_STALE", &["warn", "fail"], "Sets what a stale database of advisories does to the verdict.")
        .values(&[("warn", "prints a warning"), ("fail", "exits with 3")])
        .default("warn");

/// Days by which an ecosystem may be older than the newest record of all. Every database we know has had a record in
/// any quarter.
const MAX_BEHIND: i32 = 90;
/// Days by which a date may be ahead: clocks and time zones differ.
const MAX_AHEAD: i32 = 1;
const WAY_OUT: &str = "Fetch the database again, or set DB_MAX_AGE_DAYS";

/// What is asked of a database's age.
#[derive(Debug, Clone)]
pub(super) struct MaxAge {
    days: i32,
    pub(super) fails: bool,
    today: Date,
}

impl MaxAge {
    pub(super) fn from_vars(vars: &mut Vars, now: Timestamp) -> MaxAge {
        let days = vars.integer(&DB_MAX_AGE_DAYS).and_then(|days| i32::try_from(days).ok());
        MaxAge {
            days: days.unwrap_or(1),
            fails: vars.choice(&DB_STALE) == Some("fail"),
            today: now.to_zoned(TimeZone::UTC).date(),
        }
    }

    /// What is stale about a database: sentences, none if it is fresh. `used` are the ecosystems that were asked for.
    pub(super) fn problems(&self, coverage: &Coverage, used: &BTreeSet<&str>) -> Vec<String> {
        let mut problems = Vec::new();
        let dates: Vec<(&str, i32)> =
            coverage.dates.iter().filter_map(|(ecosystem, date)| Some((ecosystem.as_str(), self.age(date)?))).collect();
        let whole = coverage.date.as_deref().and_then(|date| Some((date, self.age(date)?)));
        let is_ahead = |age: i32| age < -MAX_AHEAD;
        let mut ahead = false;
        for (ecosystem, age) in &dates {
            if is_ahead(*age) {
                ahead = true;
                let date = day(&coverage.dates[*ecosystem]);
                problems.push(format!(
                    "the advisories of {ecosystem} are dated in the future ({date}), so their age is \
                                       not known. Fetch the database again, or correct the clock"
                ));
            }
        }
        if let Some((date, _)) = whole.filter(|(_, age)| is_ahead(*age) && !ahead) {
            problems.push(format!(
                "the advisories are dated in the future ({}), so their age is not known. Fetch the \
                                   database again, or correct the clock",
                day(date)
            ));
        }
        // A date in the future must not make the rest look fresh.
        let ages = dates.iter().map(|(_, age)| *age).chain(whole.map(|(_, age)| age));
        let Some(newest) = ages.filter(|age| !is_ahead(*age)).min() else {
            if problems.is_empty() {
                problems.push(format!("the advisories have no date, so their age is not known. {WAY_OUT}"));
            }
            return problems;
        };
        if newest > self.days {
            let age = count(newest.unsigned_abs().into(), "day");
            problems.push(format!("the newest advisory is {age} old. {WAY_OUT}"));
        }
        let is_dated = |ecosystem: &str| dates.iter().any(|(dated, _)| *dated == ecosystem);
        for ecosystem in used.iter().filter(|name| coverage.ecosystems.contains(**name) && !is_dated(name)) {
            problems.push(format!("the advisories of {ecosystem} have no date, so their age is not known. {WAY_OUT}"));
        }
        for (ecosystem, age) in dates.iter().filter(|(ecosystem, _)| used.contains(ecosystem)) {
            let behind = age - newest;
            if behind > MAX_BEHIND {
                let date = day(&coverage.dates[*ecosystem]);
                let behind = count(behind.unsigned_abs().into(), "day");
                problems.push(format!(
                    "the advisories of {ecosystem} end at {date}, {behind} before the others. Fetch \
                                       them again"
                ));
            }
        }
        problems
    }

    /// In days; negative in the future.
    fn age(&self, date: &str) -> Option<i32> {
        let date: Date = day(date).parse().ok()?;
        let age = self.today.since((Unit::Day, date)).ok()?;
        Some(age.get_days())
    }
}

/// `2026-08-22` of an RFC 3339 time.
pub(super) fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use jiff::Timestamp;
    use pipe_advisories::Coverage;
    use pipe_core::env::Vars;

    use super::MaxAge;
    use crate::vars::SPEC;

    fn max_age(env: &[(&str, &str)]) -> (MaxAge, usize) {
        let env = env.iter().map(|(name, value)| (name.into(), value.into()));
        let mut vars = Vars::load(&SPEC, env, Path::new("/"), Path::new("/"));
        let now: Timestamp = "2026-11-28T23:59:59Z".parse().unwrap();
        let max_age = MaxAge::from_vars(&mut vars, now);
        (max_age, vars.problems().len())
    }

    fn coverage(date: Option<&str>, dates: &[(&str, &str)]) -> Coverage {
        let dates = dates.iter().map(|(ecosystem, date)| ((*ecosystem).to_owned(), (*date).to_owned())).collect();
        Coverage { date: date.map(str::to_owned), dates, ..Coverage::default() }
    }

    fn problems(coverage: &Coverage, used: &[&str]) -> String {
        max_age(&[]).0.problems(coverage, &used.iter().copied().collect::<BTreeSet<_>>()).join("|")
    }

    #[test]
    fn a_database_is_fresh_up_to_its_last_day() {
        let of = |date: &str| problems(&coverage(Some(date), &[("npm", date)]), &["npm"]);
        for fresh in ["2026-11-28T00:00:00Z", "2026-11-21T00:00:00Z", "2026-11-21", "2026-11-29T12:00:00Z"] {
            assert_eq!(of(fresh), "", "{fresh}");
        }
        assert!(of("2026-11-20T23:59:59Z").starts_with("the newest advisory is 8 days old. "));
        assert!(of("2020-01-01T00:00:00Z").contains("days old. Fetch the database again, or set DB_MAX_AGE_DAYS"));
        let strict = max_age(&[("DB_MAX_AGE_DAYS", "1")]).0;
        assert!(!strict.problems(&coverage(Some("2026-11-26"), &[]), &BTreeSet::new()).is_empty());
        assert!(strict.problems(&coverage(Some("2026-11-27"), &[]), &BTreeSet::new()).is_empty());
    }

    #[test]
    fn the_newest_record_of_the_whole_database_counts() {
        let lagging = coverage(Some("2026-11-28"), &[("npm", "2026-11-01"), ("Go", "2026-11-10")]);
        assert_eq!(problems(&lagging, &["npm", "Go"]), "");
    }

    #[test]
    fn an_ecosystem_far_behind_the_rest_is_named_if_it_was_asked_for() {
        let dates = [("npm", "2026-08-29"), ("Go", "2026-11-28"), ("PyPI", "2026-08-30")];
        let coverage = coverage(Some("2026-11-28"), &dates);
        let expected = "the advisories of npm end at 2026-08-29, 91 days before the others. Fetch them again";
        assert_eq!(problems(&coverage, &["npm", "Go", "PyPI"]), expected);
        assert_eq!(problems(&coverage, &["Go", "PyPI"]), "");
    }

    #[test]
    fn a_date_of_the_future_is_named_and_makes_nothing_fresh() {
        let future = coverage(Some("2999-01-01"), &[("npm", "2999-01-01"), ("Go", "2026-11-01")]);
        let told = problems(&future, &["Go"]);
        assert!(told.contains("of npm are dated in the future (2999-01-01)"), "{told}");
        assert!(told.contains("27 days old"), "{told}");
        assert!(problems(&coverage(Some("2026-11-30"), &[]), &[]).contains("in the future (2026-11-30)"));
    }

    #[test]
    fn an_age_that_is_not_known_is_not_fresh() {
        for coverage in [coverage(None, &[]), coverage(Some("soon"), &[("npm", "0000")])] {
            assert!(problems(&coverage, &["npm"]).contains("have no date"), "{coverage:?}");
        }
        // Nor is that of one ecosystem, whatever the others have.
        let mut partly = coverage(Some("2026-11-28"), &[("Go", "2026-11-28")]);
        partly.ecosystems = ["npm", "Go"].map(str::to_owned).into();
        assert!(problems(&partly, &["npm", "Go"]).starts_with("the advisories of npm have no date"));
        assert_eq!(problems(&partly, &["Go", "PyPI"]), "");
    }

    #[test]
    fn values_that_cannot_be_are_problems() {
        for value in ["0", "-1", "3651", "1e9", "seven", "7d"] {
            assert_eq!(max_age(&[("DB_MAX_AGE_DAYS", value)]).1, 1, "{value}");
        }
        assert_eq!(max_age(&[("DB_STALE", "ignore")]).1, 1);
        assert!(max_age(&[("DB_STALE", "FAIL")]).0.fails && !max_age(&[]).0.fails);
    }
}
