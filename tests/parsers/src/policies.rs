//! The policy files of security-pipe, which a pull request may have written.

pub(crate) fn ignore_file(data: &[u8]) -> bool {
    super::text(data).is_some_and(security_pipe::fuzz::ignore_file)
}

pub(crate) fn baseline(data: &[u8]) -> bool {
    super::text(data).is_some_and(security_pipe::fuzz::baseline)
}
