//! This repository, held to what it asks of others.

use pipewright_tests::{Pipe, root};

#[test]
fn it_holds_no_secret_that_its_own_scan_finds() {
    let reports = pipewright_tests::Repo::plain();
    let outcome = Pipe::new("security-pipe", &root())
        .env("REPORTS_DIR", reports.path())
        .env("SCA_SCAN", "false")
        .env("SBOM_GENERATE", "false")
        .reports(reports.path())
        .run()
        .expect(0);
    assert_eq!(outcome.report()["findings"], serde_json::json!([]), "{}", outcome.stdout);
}
