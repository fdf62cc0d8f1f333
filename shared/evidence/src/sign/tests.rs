use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;
use crate::key::PrivateKey;

#[tokio::test(start_paused = true)]
async fn nothing_is_signed_when_the_certificate_has_ended() {
    let bundle: Value = serde_json::from_str(include_str!("../verify/data/bundle.json")).unwrap();
    let der = STANDARD.decode(bundle["verificationMaterial"]["certificate"]["rawBytes"].as_str().unwrap()).unwrap();
    // As long as Fulcio makes it, long ago: it is the time since it was had that counts.
    let certificate = Certificate::from_der(der, Vec::new()).unwrap();
    let signing = BundleSigner::new(PrivateKey::generate().unwrap()).certified(certificate);
    tokio::time::advance(Duration::from_secs(9 * 60)).await;
    signing.message(b"a file").await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    for error in [signing.message(b"a file").await.err(), signing.statement(b"{}".to_vec()).await.err()] {
        assert_eq!(
            error.unwrap().to_string(),
            "the certificate expired after 10 minutes. Sign fewer images in one run."
        );
    }
}
